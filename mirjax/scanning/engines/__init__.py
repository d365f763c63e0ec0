"""How a classifier scores the windows of transcripts, fast and exactly."""
