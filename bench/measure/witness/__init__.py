"""Whether those who saw the run agree, and whether the terminals got what was asked."""
