"""The workbench in the browser: Streamlit pages over the workflows."""
