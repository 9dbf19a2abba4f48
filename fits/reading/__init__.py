"""Measured files in: text tables, workbooks and instrument exports become checked arrays; columns, units, layouts."""
