"""What proves each method: a table of methods × oracles.

`python tests/methods/proof.py` prints it. A filled cell names the tests that prove it, an empty one
says why it is empty. `test_proof.py` checks that every registered method has a row and every test
named here exists.
"""

from __future__ import annotations

import json
import sys
from pathlib import Path

TESTS = Path(__file__).resolve().parents[1]
COLUMNS = (
    "paper", "identity", "captum", "pytorch-grad-cam", "tf-keras-vis", "shap", "saliency", "lime",
    "zennit",
)  # fmt: skip


class Why(str):
    """The reason for which a cell is empty."""

    __slots__ = ()


Cell = tuple[str, ...] | Why

_GRADIENT, _PATH, _CAM = (
    f"methods/test_{family}_family.py::test_" for family in ("gradient", "path", "cam")
)
_FULL, _OCCLUSION = "methods/test_full_grad.py::test_", "methods/test_occlusion.py::test_"
_SHAPLEY = "methods/test_shapley.py::test_"
_CAPTUM, _PGC, _VIS, _SHAP, _PAIR = (
    f"parity/test_{name}.py::test_"
    for name in ("captum", "pytorch_grad_cam", "tf_keras_vis", "shap", "saliency")
)

# Tests of agreement on segments, in files of their own.
_ON_SEGMENTS = {
    library: {
        name: tuple(f"parity/test_{library}_shapley.py::test_{test}" for test in tests)
        for name, tests in rows.items()
    }
    for library, rows in {
        "captum": {
            "feature_ablation": ("feature_ablation_of_segments",),
            "kernel_shap": ("exact[kernel_shap]", "sampled"),
            "shapley_sampling": ("exact[shapley_sampling]", "sampled"),
        },
        "shap": {
            "kernel_shap": ("all_coalitions[kernel_shap]", "background[kernel_shap]"),
            "owen": ("owen",),
            "shapley_sampling": (
                "all_coalitions[shapley_sampling]",
                "background[shapley_sampling]",
            ),
        },
    }.items()
}

_ON_SEGMENTS["captum"]["lime"] = ("parity/test_lime.py::test_captum_on_the_same_masks",)

# method: (paper, identity)
_OWN: dict[str, tuple[str, tuple[str, ...]]] = {
    "gradient": (_GRADIENT, ("linear_model[gradient]", "no_noise_is_the_gradient")),
    "gradient_x_input": (
        _GRADIENT,
        ("linear_model[gradient_x_input]", "gradient_x_input_sums_to_the_score_without_biases"),
    ),
    "smooth_grad": (_GRADIENT, ("linear_model[smooth_grad]", "no_noise_is_the_gradient")),
    "smooth_grad_squared": (
        _GRADIENT,
        ("linear_model[smooth_grad_squared]", "mean_square_is_variance_plus_squared_mean"),
    ),
    "var_grad": (
        _GRADIENT,
        ("gradient_of_a_linear_model_does_not_vary", "mean_square_is_variance_plus_squared_mean"),
    ),
    "integrated_gradients": (
        _PATH,
        (
            "complete[integrated_gradients]",
            "linear_model[integrated_gradients]",
            "integrated_gradients_are_gradient_x_input_without_biases",
            "steps_are_added_until_the_gap_is_small",
        ),
    ),
    "expected_gradients": (
        _PATH,
        (
            "complete[expected_gradients]",
            "linear_model[expected_gradients]",
            "expected_gradients_of_one_baseline_are_integrated_gradients",
        ),
    ),
    "blur_ig": (
        _PATH,
        ("complete[blur_ig]", "linear_model[blur_ig]", "blur_is_gaussian_with_reflecting_edges"),
    ),
    "guided_ig": (
        _PATH,
        (
            "complete[guided_ig]",
            "linear_model[guided_ig]",
            "guided_ig_without_a_corridor_is_the_straight_path",
        ),
    ),
    "full_grad": (_FULL, ("linear_model", "terms_sum_to_the_score[deep]")),
    "cam": (_CAM, ("cam_averages_to_the_score_without_the_bias",)),
    "grad_cam": (_CAM, ("is_cam_on_a_pooled_linear_head[grad_cam]",)),
    "grad_cam_plus_plus": (_CAM, ("grad_cam_plus_plus_closed_form_on_a_pooled_linear_head",)),
    "x_grad_cam": (
        _CAM,
        (
            "is_cam_on_a_pooled_linear_head[x_grad_cam]",
            "sums_to_the_score_behind_one_linear_layer[x_grad_cam]",
        ),
    ),
    "hires_cam": (
        _CAM,
        (
            "is_cam_on_a_pooled_linear_head[hires_cam]",
            "sums_to_the_score_behind_one_linear_layer[hires_cam]",
        ),
    ),
    "layer_cam": (_CAM, ("layer_cam_keeps_positive_weights_of_a_pooled_linear_head",)),
    "eigen_cam": (_CAM, ("eigen_cam_of_one_channel_is_the_channel",)),
    "score_cam": (_CAM, ("score_cam_of_a_score_that_nothing_moves_is_the_mean_map",)),
    "ablation_cam": (_CAM, ("ablation_cam_closed_form_on_a_pooled_linear_head",)),
    "occlusion": (
        _OCCLUSION,
        ("linear_model", "heatmap_is_the_mean_of_the_patches_that_cover_a_pixel"),
    ),
}

_OWN |= {
    "d_rise": (
        "methods/test_d_rise.py::test_",
        ("box_hangs_on_its_region", "unmoved_box_has_an_empty_map"),
    ),
    "extremal_perturbation": (
        "methods/test_extremal_perturbation.py::test_",
        (
            "mask_lies_where_the_model_looks[preserve]",
            "mask_lies_where_the_model_looks[delete]",
            "slopes_are_pulled_back",
            "columns_and_tokens",
        ),
    ),
    "xrai": (
        "methods/test_xrai.py::test_",
        ("disjoint_segments_have_their_mean_attribution", "ranking[full]", "ranking[fast]"),
    ),
    "feature_ablation": (_SHAPLEY, ("ablation_of_a_linear_model",)),
    "kernel_shap": (
        _SHAPLEY,
        (
            "linear_model[kernel_shap]",
            "additive_model[kernel_shap]",
            "values_sum_to_the_change[kernel_shap]",
            "symmetry_and_dummy[kernel_shap]",
            "sampled_values_lie_within_their_standard_errors",
        ),
    ),
    "owen": (
        _SHAPLEY,
        (
            "linear_model[owen]",
            "additive_model[owen]",
            "values_sum_to_the_change[owen]",
            "symmetry_and_dummy[owen]",
            "values_do_not_depend_on_others_in_the_batch",
        ),
    ),
    "lime": (
        "methods/test_lime.py::test_",
        ("planted_weights", "linear_model", "r2_and_intercept_are_those_of_the_fit"),
    ),
    "rise": (
        "methods/test_rise.py::test_",
        ("expectation_on_a_linear_model[paper]", "regression_is_exact_on_a_linear_table"),
    ),
    "shapley_sampling": (
        _SHAPLEY,
        (
            "linear_model[shapley_sampling]",
            "additive_model[shapley_sampling]",
            "values_sum_to_the_change[shapley_sampling]",
            "symmetry_and_dummy[shapley_sampling]",
        ),
    ),
    "sobol": (
        "methods/test_sobol.py::test_",
        ("linear_function", "additive_function", "product", "g_function", "players_are_alike"),
    ),
}

_OWN["seg_grad_cam"] = (
    "methods/test_seg_grad_cam.py::test_",
    ("region_of_everything_is_grad_cam", "default_method_finds_the_planted_lamp"),
)
_GUIDED = "methods/test_guided_family.py::test_"
_OWN |= {
    "guided_backprop": (
        _GUIDED,
        (
            "linear_model[guided_backprop]",
            "guided_is_the_gradient_where_all_is_positive",
        ),
    ),
    "deconvnet": (_GUIDED, ("linear_model[deconvnet]",)),
    "rect_grad": (_GUIDED, ("linear_model[rect_grad]",)),
    "guided_grad_cam": (_GUIDED, ("guided_is_the_product_with_enlarged_grad_cam",)),
}

_OWN["excitation_backprop"] = ("lrp/test_lrp.py::test_", ("walks_end_somewhere",))
_OWN["deep_taylor"] = ("lrp/test_lrp.py::test_", ("deep_taylor_is_conserved",))
_OWN["lrp"] = (
    "lrp/test_lrp.py::test_",
    ("zero_is_gradient_x_input_without_biases", "relevance_is_conserved[epsilon_plus]"),
)
_OWN |= {
    name: (
        "methods/test_deep_lift.py::test_",
        (f"complete[{name}]", f"linear_model[{name}]"),
    )
    for name in ("deep_lift", "deep_shap")
}
_ATTENTION = "methods/test_attention_family.py::test_"
_OWN |= {
    name: (_ATTENTION, (f"one_layer[{name}]", *more))
    for name, more in {
        "attention_rollout": ("rollout_options",),
        "attention_flow": (),
        "chefer": (),
        "attention_x_gradient": ("gradients_kept_whole_sum_to_the_score",),
        "legrad": (),
    }.items()
}
_RULES = {
    name: (f"parity/test_captum_rules.py::test_rectifiers[{name}]",)
    for name in ("guided_backprop", "deconvnet", "guided_grad_cam")
}
_ON_SEGMENTS["captum"] |= _RULES
_DEEP = "parity/test_deep_lift.py::test_"
_ON_SEGMENTS["captum"] |= {
    "deep_lift": (
        f"{_DEEP}captum_deep_lift",
        f"{_DEEP}captum_deep_lift_differs_at_max_pooling",
    ),
    "deep_shap": (f"{_DEEP}captum_deep_lift_shap",),
}
_ON_SEGMENTS["shap"] |= {"deep_shap": (f"{_DEEP}shap_deep_explainer",)}
# Of columns and tokens, in files of their own.
_ON_SEGMENTS["captum"]["feature_ablation"] += (
    "parity/test_text.py::test_values[ablation]",
    "parity/test_series.py::test_values[ablation]",
)
_ON_SEGMENTS["captum"]["kernel_shap"] += ("parity/test_series.py::test_values[shapley]",)
for _name, _kind in (("kernel_shap", "shapley"), ("shapley_sampling", "kernel")):
    _ON_SEGMENTS["shap"][_name] += (
        f"parity/test_shap_tables.py::test_values_of_columns[{_name}]",
        f"parity/test_text.py::test_values[{_kind}]",
    )
# Of several inputs, of likenesses, and of windows of a series.
_ON_SEGMENTS["captum"]["integrated_gradients"] = (
    f"{_CAPTUM}integrated_gradients",
    "parity/test_kinds.py::test_all_inputs_of_one_model",
    "parity/test_kinds.py::test_likeness_to_another_input",
    "parity/test_series.py::test_values[integrated]",
)
_ON_SEGMENTS["zennit"] = {
    "lrp": ("parity/test_zennit.py::test_composites",),
    "guided_backprop": ("parity/test_zennit.py::test_rectifiers[guided_backprop]",),
    "deconvnet": ("parity/test_zennit.py::test_rectifiers[deconvnet]",),
}

# library: its prefix, the tests by method, other reasons by method, and the reason for all the rest
_LIBRARIES: dict[str, tuple[str, dict[str, tuple[str, ...]], dict[str, str], str]] = {
    "captum": (
        _CAPTUM,
        {
            "gradient": ("gradients[saliency]",),
            "gradient_x_input": ("gradients[input_x_gradient]",),
            "smooth_grad": ("gradients[smoothgrad]",),
            "smooth_grad_squared": ("gradients[smoothgrad_sq]",),
            "var_grad": ("gradients[vargrad]",),
            "integrated_gradients": ("integrated_gradients",),
            "expected_gradients": ("expected_gradients",),
            "grad_cam": ("grad_cam",),
            "hires_cam": ("hires_cam",),
            "layer_cam": ("layer_cam",),
            "ablation_cam": ("ablation_cam",),
            "occlusion": ("occlusion", "occlusion_without_overlap_is_feature_ablation"),
        },
        {},
        "captum does not have this method",
    ),
    "pytorch-grad-cam": (
        _PGC,
        {
            **{
                name: (f"maps[{name}]",)
                for name in (
                    "grad_cam",
                    "grad_cam_plus_plus",
                    "x_grad_cam",
                    "hires_cam",
                    "layer_cam",
                    "score_cam",
                    "ablation_cam",
                )
            },
            "eigen_cam": ("eigen_cam", "eigen_cam_differs_by_the_centring"),
            "full_grad": ("full_grad",),
        },
        {
            "cam": "pytorch-grad-cam leaves out CAM itself, which Grad-CAM replaces",
            "seg_grad_cam": "pytorch-grad-cam explains segmentations by a target of the user's own",
        },
        "pytorch-grad-cam does not have this method",
    ),
    "tf-keras-vis": (
        _VIS,
        {
            "gradient": ("gradient",),
            "smooth_grad": ("smooth_grad",),
            "grad_cam": ("maps[grad_cam]",),
            "layer_cam": ("maps[layer_cam]",),
            "score_cam": ("score_cam",),
        },
        {
            "grad_cam_plus_plus": (
                "tf-keras-vis divides α by its sum over positions, as the authors' code does "
                "and the paper does not; "
                f"{_VIS}grad_cam_plus_plus_differs_by_a_normalisation shows that this is all"
            )
        },
        "tf-keras-vis does not have this method",
    ),
    "shap": (
        _SHAP,
        {"expected_gradients": ("expected_gradients", "comparison_bites")},
        {"occlusion": "shap's explainers cover many features at a time, none slides a patch"},
        "shap estimates Shapley values, which this method does not",
    ),
    "saliency": (
        _PAIR,
        {
            "gradient": ("gradients[gradient]",),
            "smooth_grad": ("gradients[smooth_grad]",),
            "smooth_grad_squared": ("gradients[smooth_grad_squared]",),
            "integrated_gradients": ("integrated_gradients",),
            "xrai": ("xrai", "xrai_ranks_the_same", "xrai_cuts_the_same"),
            "blur_ig": ("blur_ig",),
            "guided_ig": ("guided_ig",),
            "grad_cam": ("grad_cam",),
            "occlusion": ("occlusion",),
        },
        {},
        "PAIR saliency does not have this method",
    ),
    "lime": (
        "parity/test_lime.py::test_",
        {"lime": ("lime_on_its_masks", "lime_in_the_long_run")},
        {},
        "the lime package has LIME only",
    ),
    "zennit": ("parity/test_zennit.py::test_", {}, {}, "zennit does not have this method"),
}


def _cell(name: str, column: str) -> Cell:
    if column == "paper":
        prefix = _OWN[name][0]
        return (f"{prefix}paper" + ("" if prefix in (_FULL, _OCCLUSION) else f"[{name}]"),)
    if column == "identity":
        prefix, tests = _OWN[name]
        return tuple(prefix + test for test in tests)
    prefix, cells, reasons, rest = _LIBRARIES[column]
    if name in _ON_SEGMENTS.get(column, {}):
        return _ON_SEGMENTS[column][name]
    if name in cells:
        return tuple(prefix + test for test in cells[name])
    return Why(reasons.get(name, rest))


TABLE: dict[str, dict[str, Cell]] = {
    name: {column: _cell(name, column) for column in COLUMNS} for name in _OWN
}


def agreement() -> dict[str, float]:
    """Return the largest difference that each test measured in the last full run."""
    found: dict[str, float] = {}
    for path in (TESTS / ".saved").glob("agreement-*.json"):
        for test, value in json.loads(path.read_text(encoding="utf-8")).items():
            found[test] = max(found.get(test, 0.0), value)
    return found


def measured(cell: tuple[str, ...], found: dict[str, float]) -> str:
    """Return a mark, with the largest difference that a cell's first test measured."""
    values = [
        value for test, value in found.items() if test == cell[0] or test.startswith(f"{cell[0]}[")
    ]
    return f"✓ {max(values):.0e}" if values else "✓"


def main() -> int:
    """Print the table, its empty cells numbered, and the reasons below it."""
    from rich.console import Console
    from rich.table import Table

    found, reasons = agreement(), list[str]()
    table = Table("method", *COLUMNS, title="What proves each method")
    for name, row in TABLE.items():
        words = []
        for cell in row.values():
            if isinstance(cell, Why):
                if cell not in reasons:
                    reasons.append(cell)
                words.append(f"[dim]{reasons.index(cell) + 1}[/dim]")
            else:
                words.append(measured(cell, found))
        table.add_row(name, *words)
    console = Console(width=max(140, Console().width), highlight=False)
    console.print(table)
    console.print(
        "✓ proven by tests; the largest difference measured, as a share of the largest value "
        "(shap draws at random: within its sampling error)"
        if found
        else "✓ proven by tests; differences are printed after `make test`"
    )
    for number, reason in enumerate(reasons, 1):
        console.print(f"{number}  {reason}", markup=False)
    return 0


if __name__ == "__main__":
    sys.exit(main())
