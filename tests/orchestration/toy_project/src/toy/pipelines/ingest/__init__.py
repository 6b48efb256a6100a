from kedro.pipeline import Pipeline, node

from toy import nodes


def create_pipeline():
    return Pipeline([node(nodes.read_frames, "raw_images", "frames", name="read_frames")])
