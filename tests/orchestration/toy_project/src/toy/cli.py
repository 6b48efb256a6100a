import click

from mtcm_pipeline.orchestration.command_line import quoting_run_command


@click.group(name="toy")
def cli():
    """Commands of the toy."""


run = quoting_run_command()
cli.add_command(run)
