"""A new CDK app: the files in `files`, for the app's name and the installed versions."""
