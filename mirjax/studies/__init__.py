"""The experiments of the study, each as data and one function."""
