"""Where each method comes from."""

from __future__ import annotations

from collections.abc import Iterable

from kerascope.method import AttributionMethod, method_class

# By key: authors, year, title, where.
REFERENCES: dict[str, tuple[str, int, str, str]] = {
    "abnar2020quantifying": (
        "Abnar, Zuidema", 2020,
        "Quantifying Attention Flow in Transformers",
        "ACL; arXiv:2005.00928",
    ),
    "adebayo2018local": (
        "Adebayo, Gilmer, Goodfellow, Kim", 2018,
        "Local Explanation Methods for Deep Neural Networks Lack Sensitivity to Parameter Values",
        "ICLR Workshop; arXiv:1810.03307",
    ),
    "bach2015pixel": (
        "Bach, Binder, Montavon, Klauschen, Müller, Samek", 2015,
        ("On Pixel-Wise Explanations for Non-Linear Classifier Decisions by Layer-Wise Relevance "
         "Propagation"),
        "PLOS ONE 10(7)",
    ),
    "barkan2021gradsam": (
        "Barkan, Hauon, Caciularu, Katz, Malkiel, Armstrong, Koenigstein", 2021,
        "Grad-SAM: Explaining Transformers via Gradient Self-Attention Maps",
        "CIKM; arXiv:2204.11073",
    ),
    "bousselham2024legrad": (
        "Bousselham, Boggust, Chaybouti, Strobelt, Kuehne", 2024,
        ("LeGrad: An Explainability Method for Vision Transformers via Feature Formation "
         "Sensitivity"),
        "ICCV 2025; arXiv:2404.03214",
    ),
    "castro2009polynomial": (
        "Castro, Gómez, Tejada", 2009,
        "Polynomial calculation of the Shapley value based on sampling",
        "Computers & Operations Research 36",
    ),
    "chattopadhay2018gradcampp": (
        "Chattopadhay, Sarkar, Howlader, Balasubramanian", 2018,
        ("Grad-CAM++: Generalized Gradient-based Visual Explanations for Deep Convolutional "
         "Networks"),
        "WACV; arXiv:1710.11063",
    ),
    "chefer2021generic": (
        "Chefer, Gur, Wolf", 2021,
        ("Generic Attention-Model Explainability for Interpreting Bi-Modal and Encoder-Decoder "
         "Transformers"),
        "ICCV; arXiv:2103.15679",
    ),
    "desai2020ablationcam": (
        "Desai, Ramaswamy", 2020,
        ("Ablation-CAM: Visual Explanations for Deep Convolutional Network via Gradient-free "
         "Localization"),
        "WACV",
    ),
    "draelos2020hirescam": (
        "Draelos, Carin", 2020,
        ("Use HiResCAM instead of Grad-CAM for faithful explanations of convolutional neural "
         "networks"),
        "arXiv:2011.08891",
    ),
    "erion2021improving": (
        "Erion, Janizek, Sturmfels, Lundberg, Lee", 2021,
        ("Improving performance of deep learning models with axiomatic attribution priors and "
         "expected gradients"),
        "Nature Machine Intelligence; arXiv:1906.10670",
    ),
    "fong2019extremal": (
        "Fong, Patrick, Vedaldi", 2019,
        "Understanding Deep Networks via Extremal Perturbations and Smooth Masks",
        "ICCV; arXiv:1910.08485",
    ),
    "fel2021look": (
        "Fel, Cadène, Chalvidal, Cord, Vigouroux, Serre", 2021,
        ("Look at the Variance! Efficient Black-box Explanations with Sobol-based Sensitivity "
         "Analysis"),
        "NeurIPS; arXiv:2111.04138",
    ),
    "fu2020xgradcam": (
        "Fu, Hu, Dong, Guo, Gao, Li", 2020,
        "Axiom-based Grad-CAM: Towards Accurate Visualization and Explanation of CNNs",
        "BMVC; arXiv:2008.02312",
    ),
    "hooker2019benchmark": (
        "Hooker, Erhan, Kindermans, Kim", 2019,
        "A Benchmark for Interpretability Methods in Deep Neural Networks",
        "NeurIPS; arXiv:1806.10758",
    ),
    "jiang2021layercam": (
        "Jiang, Zhang, Hou, Cheng, Wei", 2021,
        "LayerCAM: Exploring Hierarchical Class Activation Maps for Localization",
        "IEEE Transactions on Image Processing",
    ),
    "kapishnikov2019xrai": (
        "Kapishnikov, Bolukbasi, Viégas, Terry", 2019,
        "XRAI: Better Attributions Through Regions",
        "ICCV; arXiv:1906.02825",
    ),
    "kapishnikov2021guided": (
        "Kapishnikov, Venugopalan, Avci, Wedin, Terry, Bolukbasi", 2021,
        "Guided Integrated Gradients: an Adaptive Path Method for Removing Noise",
        "CVPR; arXiv:2106.09788",
    ),
    "kim2019saliency": (
        "Kim, Seo, Jeon, Koo, Choe, Jeon", 2019,
        "Why are Saliency Maps Noisy? Cause of and Solution to Noisy Saliency Maps",
        "ICCV Workshop; arXiv:1902.04893",
    ),
    "lundberg2017unified": (
        "Lundberg, Lee", 2017,
        "A Unified Approach to Interpreting Model Predictions",
        "NeurIPS; arXiv:1705.07874",
    ),
    "montavon2017explaining": (
        "Montavon, Lapuschkin, Binder, Samek, Müller", 2017,
        "Explaining nonlinear classification decisions with deep Taylor decomposition",
        "Pattern Recognition 65; arXiv:1512.02479",
    ),
    "muhammad2020eigencam": (
        "Muhammad, Yeasin", 2020,
        "Eigen-CAM: Class Activation Map using Principal Components",
        "IJCNN; arXiv:2008.00299",
    ),
    "owen1977values": (
        "Owen", 1977,
        "Values of Games with a Priori Unions",
        "Mathematical Economics and Game Theory, Springer",
    ),
    "petsiuk2018rise": (
        "Petsiuk, Das, Saenko", 2018,
        "RISE: Randomized Input Sampling for Explanation of Black-box Models",
        "BMVC; arXiv:1806.07421",
    ),
    "ribeiro2016why": (
        "Ribeiro, Singh, Guestrin", 2016,
        "\"Why Should I Trust You?\": Explaining the Predictions of Any Classifier",
        "KDD; arXiv:1602.04938",
    ),
    "petsiuk2021drise": (
        "Petsiuk, Jain, Manjunatha, Morariu, Mehra, Ordonez, Saenko", 2021,
        "Black-box Explanation of Object Detectors via Saliency Maps",
        "CVPR; arXiv:2006.03204",
    ),
    "selvaraju2017gradcam": (
        "Selvaraju, Cogswell, Das, Vedantam, Parikh, Batra", 2017,
        "Grad-CAM: Visual Explanations from Deep Networks via Gradient-based Localization",
        "ICCV; arXiv:1610.02391",
    ),
    "shrikumar2016not": (
        "Shrikumar, Greenside, Shcherbina, Kundaje", 2016,
        ("Not Just a Black Box: Learning Important Features Through Propagating Activation "
         "Differences"),
        "arXiv:1605.01713",
    ),
    "shrikumar2017learning": (
        "Shrikumar, Greenside, Kundaje", 2017,
        "Learning Important Features Through Propagating Activation Differences",
        "ICML; arXiv:1704.02685",
    ),
    "simonyan2014deep": (
        "Simonyan, Vedaldi, Zisserman", 2014,
        ("Deep Inside Convolutional Networks: Visualising Image Classification Models and "
         "Saliency Maps"),
        "ICLR Workshop; arXiv:1312.6034",
    ),
    "smilkov2017smoothgrad": (
        "Smilkov, Thorat, Kim, Viégas, Wattenberg", 2017,
        "SmoothGrad: removing noise by adding noise",
        "arXiv:1706.03825",
    ),
    "springenberg2015striving": (
        "Springenberg, Dosovitskiy, Brox, Riedmiller", 2015,
        "Striving for Simplicity: The All Convolutional Net",
        "ICLR Workshop; arXiv:1412.6806",
    ),
    "srinivas2019fullgrad": (
        "Srinivas, Fleuret", 2019,
        "Full-Gradient Representation for Neural Network Visualization",
        "NeurIPS; arXiv:1905.00780",
    ),
    "sundararajan2017axiomatic": (
        "Sundararajan, Taly, Yan", 2017,
        "Axiomatic Attribution for Deep Networks",
        "ICML; arXiv:1703.01365",
    ),
    "wang2020scorecam": (
        "Wang, Wang, Du, Yang, Zhang, Ding, Mardziel, Hu", 2020,
        "Score-CAM: Score-Weighted Visual Explanations for Convolutional Neural Networks",
        "CVPR Workshop; arXiv:1910.01279",
    ),
    "xu2020attribution": (
        "Xu, Venugopalan, Sundararajan", 2020,
        "Attribution in Scale and Space",
        "CVPR; arXiv:2004.03383",
    ),
    "zeiler2014visualizing": (
        "Zeiler, Fergus", 2014,
        "Visualizing and Understanding Convolutional Networks",
        "ECCV; arXiv:1311.2901",
    ),
    "zhang2016topdown": (
        "Zhang, Lin, Brandt, Shen, Sclaroff", 2016,
        "Top-Down Neural Attention by Excitation Backprop",
        "ECCV; arXiv:1608.00507",
    ),
    "zhou2016cam": (
        "Zhou, Khosla, Lapedriza, Oliva, Torralba", 2016,
        "Learning Deep Features for Discriminative Localization",
        "CVPR; arXiv:1512.04150",
    ),
}  # fmt: skip


def cite(methods: Iterable[str | AttributionMethod]) -> list[str]:
    """Return one line per method used: authors, year, title, where."""
    lines = {}
    for method in methods:
        key = (method_class(method) if isinstance(method, str) else method).reference
        authors, year, title, where = REFERENCES[key]
        lines[key] = f"{authors} ({year}). {title}. {where}."
    return [lines[key] for key in sorted(lines)]
