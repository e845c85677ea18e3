"""The command `moorage promote`: it copies the digests of images from one stage of an app to another."""
