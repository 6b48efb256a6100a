"""Pictures of a capture: arrays and tables in, matplotlib and plotly figures out."""
