"""What every driver is made of: typed quantities, capabilities, read-back."""
