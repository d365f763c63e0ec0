"""Tables, plots and pages of results. Nothing is measured here."""
