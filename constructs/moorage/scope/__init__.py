"""The scopes of an app: places, unique names, exports, the inventory of constructs, and the validation of stages."""
