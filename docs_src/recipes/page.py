"""Write docs/recipes.md from the recipes, and with `--pictures` the pictures that it shows.

python docs_src/recipes/page.py [--pictures]
"""

from __future__ import annotations

import ast
import importlib
import os
import sys
import tempfile
import textwrap
from pathlib import Path

HERE = Path(__file__).parent
DOCS = HERE.parents[1] / "docs"
PICTURES = {
    "feature_maps": ("feature_maps_shallow", "feature_maps_deep"),
    "best_classes": ("best_classes",),
    "two_animals": ("two_animals",),
    "score_cam": ("score_cam",),
    "smooth_grad": ("smooth_grad",),
    "occlusion": ("occlusion", "occlusion_classes"),
    "all_classes": ("all_classes",),
    "modifiers": ("modifiers",),
    "shap_layers": ("shap_layers",),
    "blocks": ("blocks",),
    "vit_attention": ("vit_heads", "vit_relevance"),
    "custom_attention": ("custom_attention", "custom_attention_counted"),
    "forecaster": ("forecaster",),
}
# The net that a recipe's pictures were made with, where it is another than `MADE_WITH`.
NETS = {
    "two_animals": "the bundled net that looks at vehicles",
    "vit_attention": "", "custom_attention": "", "forecaster": "",  # trained in their recipes
}  # fmt: skip
MADE_WITH = "MobileNetV2 with ImageNet weights"
WIDTH = 1280
HEAD = """\
# Recipes

What people do with a convolutional net, a transformer or a forecaster, each as a file that runs:
`python docs_src/recipes/NAME.py [FOLDER [PICTURE …]]`. A recipe takes the best net at hand
([at_hand.py](../docs_src/recipes/at_hand.py)) and says which: ImageNet weights of Keras
Applications where they are on disk or can be fetched, else MobileNetV2 of the folder
`KERASCOPE_REAL`, else a net that comes with Kerascope. `KERASCOPE_NETS=bundled` takes the last at
once. The pictures here are MobileNetV2's, but for what is trained in its recipe, and the two
vehicles, which are the bundled net's. In the code `hand` is what is at hand: `model`, `images`,
`blocks` (the last layer of every resolution), `grey` (as the model takes it).

This page is made by `python docs_src/recipes/page.py` from the files.
"""


def page() -> str:
    """Return the page: of every recipe its title, words, code and pictures."""
    return "\n".join([HEAD, *(_section(name) for name in PICTURES)])


def _section(name: str) -> str:
    source = (HERE / f"{name}.py").read_text(encoding="utf-8")
    tree = ast.parse(source)
    heading, _, words = (ast.get_docstring(tree) or "").partition("\n\n")
    body = next(part for part in tree.body if getattr(part, "name", "") == "main")
    lines = source.splitlines()[body.body[1].lineno - 1 : body.end_lineno]
    code = textwrap.dedent("\n".join(line for line in lines if "return " not in line)).strip()
    net = NETS.get(name, MADE_WITH)
    alt, caption = (net, f"\n\n*Made with {net}.*") if net else ("the net of the recipe", "")
    shown = "\n".join(
        f"![{picture.replace('_', ' ')}, of {alt}](recipes/{picture}.webp)"
        for picture in PICTURES[name]
    )
    link = f"[{name}.py](../docs_src/recipes/{name}.py)"
    return (
        f"## {heading}\n\n{words}\n\n```python\n{code}\n```\n\n{shown}{caption}\n\n"
        f"The whole file: {link}\n"
    )


def draw() -> None:
    """Run every recipe on the best net at hand, and keep its pictures, smaller, in docs/recipes."""
    from at_hand import at_hand
    from PIL import Image

    with tempfile.TemporaryDirectory() as folder:
        best = at_hand()
        os.environ["KERASCOPE_NETS"] = "bundled"
        bundled = at_hand()
        for name, pictures in PICTURES.items():
            hand = bundled if name == "two_animals" else best
            importlib.import_module(name).main(hand, Path(folder))
            for picture in pictures:
                image = Image.open(Path(folder, f"{picture}.png")).convert("RGB")
                image.thumbnail((WIDTH, WIDTH))
                image.save(DOCS / "recipes" / f"{picture}.webp", quality=80)


if __name__ == "__main__":
    (DOCS / "recipes").mkdir(exist_ok=True)
    (DOCS / "recipes.md").write_text(page(), encoding="utf-8")
    if "--pictures" in sys.argv:
        draw()
