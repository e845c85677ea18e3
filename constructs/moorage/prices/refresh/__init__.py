"""The command `moorage prices refresh`: it writes a new price book from the Price List of AWS."""
