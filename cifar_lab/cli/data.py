"""`cifar-lab data`: fetch datasets, check folders of pictures."""

from pathlib import Path

import click

from cifar_lab.cli.group import main


class _Datasets(click.Group):
    """A group with one command per dataset, and `check`."""

    def list_commands(self, context):
        return list(self.commands)

    def resolve_command(self, context, arguments):
        name = arguments[0]
        if name not in self.commands:
            known = ", ".join(repr(command) for command in self.commands)
            hint = f" To check a folder of pictures: cifar-lab data check {name}" if Path(name).exists() else ""
            raise click.UsageError(f"{name!r} is not one of {known}.{hint}", context)
        return super().resolve_command(context, arguments)


@main.group("data", cls=_Datasets, invoke_without_command=True)
@click.pass_context
def data_group(context):
    """Fetch a dataset, or check a folder of your own pictures.

    \b
      cifar-lab data cifar10         download CIFAR-10 and describe it
      cifar-lab data check FOLDER    report problems with your pictures before training
    """
    if context.invoked_subcommand is None:
        context.invoke(cifar10_command)


@data_group.command("cifar10")
def cifar10_command():
    """Download CIFAR-10, 60,000 photographs in ten classes.

    170 MB. An interrupted download resumes where it stopped.
    """
    from cifar_lab.data import cifar10

    if cifar10.locate_cifar10() is None:
        cifar10.fetch_cifar10(patient=True)
    _describe("cifar10")


@data_group.command("sketches")
def sketches_command():
    """Generate the sketches, drawings that need no download."""
    _describe("sketches")


@data_group.command("digits")
def digits_command():
    """Download MNIST, handwritten digits.

    11 MB. If it cannot be downloaded, scikit-learn's 1,797 digits are used.
    """
    from cifar_lab.data import digits

    if digits.locate_mnist() is None:
        try:
            digits.fetch_mnist()
        except digits.DownloadError as error:
            click.echo(error, err=True)
    _describe("digits")


def _describe(name: str) -> None:
    from cifar_lab import data

    dataset = data.load(name)
    sizes = f"{len(dataset.train):,} train, {len(dataset.validation):,} validation, {len(dataset.test):,} test images"
    click.echo(f"{dataset.name}: {sizes}, {len(dataset.class_names)} classes. {dataset.origin}")


@data_group.command("check")
@click.argument("folder", type=click.Path(path_type=Path))
@click.option("--size", type=click.IntRange(8, 1024), default=32, show_default=True, help="Image size in pixels.")
@click.option("--keep-alike", is_flag=True, help="Keep near-duplicate pictures.")
@click.option("--list", "list_all", is_flag=True, help="List all files that are left out, one per line.")
@click.option("--sheet", type=click.Path(path_type=Path), help="PNG file to write a contact sheet of each class to.")
def check_folder_command(folder, size, keep_alike, list_all, sheet):
    """Check FOLDER before training on it.

    FOLDER has one subfolder per class, or train, validation and test folders with those; or it is a CSV file with the
    columns path and label. Reports the number of pictures per class, damaged, empty, tiny and duplicate files, and
    what to do about them. Nothing in FOLDER is changed.
    """
    from cifar_lab.data.folder import checks
    from cifar_lab.data.folder.scan import scan_folder

    survey = scan_folder(folder, size=size, keep_alike=keep_alike)
    report = checks.report_on(survey)
    click.echo("\n".join(map(str, report.problems)) if list_all else report)
    if sheet:
        from cifar_lab import plots

        figure, _ = plots.folder_contact_sheet(survey)
        figure.savefig(sheet, format="png")
        click.echo(f"\nThe contact sheet is in {sheet}.")
    if not list_all:
        click.echo(f"\nNext: cifar-lab make {folder} --name NAME")
