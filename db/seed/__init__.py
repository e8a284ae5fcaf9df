"""The seed catalog: the ten papers of the first report, their facts and claims, and that report.

Data is TOML in this folder (`papers/<slug>.toml`, `readings.toml`, `report-*.toml`); `load` brings
it into the catalog and may run as often as anyone likes.
"""

from db.seed.loader import SeedResult, load
from db.seed.reader import FOLDER, Seed, read_folder

__all__ = ["FOLDER", "Seed", "SeedResult", "load", "read_folder"]
