"""What Headway decides: pure values in, pure values out; no time, chance, files or network."""
