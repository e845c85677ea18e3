"""The app around a construct: places, unique names, exports, records, acknowledgements and checks of a stage."""
