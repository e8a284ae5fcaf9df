"""Other hosts for the work of jobs: Dask's `distributed`, where a scheduler is named.

What a job means for the catalog (claiming, storing, ranking, its end) stays with the one runner;
what it costs (reading papers, measuring) goes to hosts, which never see the catalog. Nothing here
imports `distributed` before a scheduler is named and something is asked of it.
"""
