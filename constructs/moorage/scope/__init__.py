"""The app around a construct: accounts and regions, unique names, exports, records, and the validation of stages."""
