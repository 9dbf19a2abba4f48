"""`reram report FOLDER`: one page that shows whatever a run folder holds."""
