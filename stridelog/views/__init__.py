"""What people see on a terminal: figures with units, tables, the live screen."""
