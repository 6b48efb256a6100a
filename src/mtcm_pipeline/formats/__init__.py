"""Contents <-> domain values: poses.json, COLMAP, nerfstudio, EXIF, masks, images."""
