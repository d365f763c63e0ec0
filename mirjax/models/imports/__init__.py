"""Published models' files, read as models of ours."""
