"""Long deviations of frequency: whether power gets to its level and stays."""
