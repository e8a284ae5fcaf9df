"""Use cases in plain Python, for the command line and the pages alike: no Streamlit, no typer."""
