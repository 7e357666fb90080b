"""Tables of measurements: named columns of numbers and words, in and out of files that Excel, R and pandas open.

>>> table = Table({"image": ["a", "b"], "area_px": [12, 30]})
>>> len(table), table["area_px"].tolist(), table.to_csv()
(2, [12, 30], 'image,area_px\\na,12\\nb,30\\n')
"""

from unseam.tables.table import Table

__all__ = ["Table"]
