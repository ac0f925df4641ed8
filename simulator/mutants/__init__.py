"""Earlier guard designs, each in a file of its own, kept to show what each of them lets through."""
