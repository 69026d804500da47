"""Where each method comes from."""

from __future__ import annotations

from collections.abc import Iterable
from typing import ClassVar, Protocol

from kerascope.method import method_class

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
    "adebayo2018sanity": (
        "Adebayo, Gilmer, Muelly, Goodfellow, Hardt, Kim", 2018,
        "Sanity Checks for Saliency Maps",
        "NeurIPS; arXiv:1810.03292",
    ),
    "agarwal2022rethinking": (
        "Agarwal, Johnson, Pawelczyk, Krishna, Saxena, Zitnik, Lakkaraju", 2022,
        "Rethinking Stability for Attribution-based Explanations",
        "ICLR Workshop; arXiv:2203.06877",
    ),
    "alvarez2018robustness": (
        "Alvarez-Melis, Jaakkola", 2018,
        "On the Robustness of Interpretability Methods",
        "ICML Workshop; arXiv:1806.08049",
    ),
    "ancona2018towards": (
        "Ancona, Ceolini, Öztireli, Gross", 2018,
        ("Towards better understanding of gradient-based attribution methods for Deep Neural "
         "Networks"),
        "ICLR; arXiv:1711.06104",
    ),
    "arras2022clevr": (
        "Arras, Osman, Samek", 2022,
        ("CLEVR-XAI: A benchmark dataset for the ground truth evaluation of neural network "
         "explanations"),
        "Information Fusion 81; arXiv:2003.07258",
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
    "bhatt2020evaluating": (
        "Bhatt, Weller, Moura", 2020,
        "Evaluating and Aggregating Feature-based Model Explanations",
        "IJCAI; arXiv:2005.00631",
    ),
    "boehle2021convolutional": (
        "Böhle, Fritz, Schiele", 2021,
        "Convolutional Dynamic Alignment Networks for Interpretable Classifications",
        "CVPR; arXiv:2104.00032",
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
    "chalasani2020concise": (
        "Chalasani, Chen, Chowdhury, Jha, Wu", 2020,
        "Concise Explanations of Neural Networks using Adversarial Training",
        "ICML; arXiv:1810.06583",
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
    "deyoung2020eraser": (
        "DeYoung, Jain, Rajani, Lehman, Xiong, Socher, Wallace", 2020,
        "ERASER: A Benchmark to Evaluate Rationalized NLP Models",
        "ACL; arXiv:1911.03429",
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
    "fawcett2006introduction": (
        "Fawcett", 2006,
        "An introduction to ROC analysis",
        "Pattern Recognition Letters 27(8)",
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
    "hedstrom2023sanity": (
        "Hedström, Weber, Lapuschkin, Höhne", 2023,
        "Sanity Checks Revisited: An Exploration to Repair the Model Parameter Randomisation Test",
        "NeurIPS Workshop; arXiv:2401.06465",
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
    "kindermans2019unreliability": (
        "Kindermans, Hooker, Adebayo, Alber, Schütt, Dähne, Erhan, Kim", 2019,
        "The (Un)reliability of Saliency Methods",
        "Explainable AI, Springer LNCS 11700; arXiv:1711.00867",
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
    "montavon2018methods": (
        "Montavon, Samek, Müller", 2018,
        "Methods for interpreting and understanding deep neural networks",
        "Digital Signal Processing 73; arXiv:1706.07979",
    ),
    "muhammad2020eigencam": (
        "Muhammad, Yeasin", 2020,
        "Eigen-CAM: Class Activation Map using Principal Components",
        "IJCNN; arXiv:2008.00299",
    ),
    "nguyen2020quantitative": (
        "Nguyen, Martínez", 2020,
        "On quantitative aspects of model interpretability",
        "arXiv:2007.07584",
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
    "rong2022road": (
        "Rong, Leemann, Borisov, Kasneci, Kasneci", 2022,
        "A Consistent and Efficient Evaluation Strategy for Attribution Methods",
        "ICML; arXiv:2202.00449",
    ),
    "samek2017evaluating": (
        "Samek, Binder, Montavon, Lapuschkin, Müller", 2017,
        "Evaluating the Visualization of What a Deep Neural Network Has Learned",
        "IEEE TNNLS 28(11); arXiv:1509.06321",
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
    "sixt2020when": (
        "Sixt, Granz, Landgraf", 2020,
        "When Explanations Lie: Why Many Modified BP Attributions Fail",
        "ICML; arXiv:1912.09818",
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
    "theiner2022interpretable": (
        "Theiner, Müller-Budack, Ewerth", 2022,
        "Interpretable Semantic Photo Geolocation",
        "WACV; arXiv:2104.14995",
    ),
    "vinogradova2020seggradcam": (
        "Vinogradova, Dibrov, Myers", 2020,
        ("Towards Interpretable Semantic Segmentation via Gradient-weighted Class Activation "
         "Mapping"),
        "AAAI; arXiv:2002.11434",
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
    "yeh2019fidelity": (
        "Yeh, Hsieh, Suggala, Inouye, Ravikumar", 2019,
        "On the (In)fidelity and Sensitivity of Explanations",
        "NeurIPS; arXiv:1901.09392",
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
    "zhang2024opticam": (
        "Zhang, Torres, Sicre, Avrithis, Ayache", 2024,
        "Opti-CAM: Optimizing saliency maps for interpretability",
        "CVIU 248; arXiv:2301.07002",
    ),
    "zhou2016cam": (
        "Zhou, Khosla, Lapedriza, Oliva, Torralba", 2016,
        "Learning Deep Features for Discriminative Localization",
        "CVPR; arXiv:1512.04150",
    ),
}  # fmt: skip


class Cited(Protocol):
    """A method or metric, or its class: it has a key of `REFERENCES`."""

    reference: ClassVar[str]


def cite(methods: Iterable[str | Cited | type[Cited]]) -> list[str]:
    """Return one line per method or metric used: authors, year, title, where.

    A reference that is no key here is taken as the line itself: a method of another package may
    have its paper in words.
    """
    lines = {}
    for method in methods:
        key = (method_class(method) if isinstance(method, str) else method).reference
        lines[key] = key
        if key in REFERENCES:
            authors, year, title, where = REFERENCES[key]
            lines[key] = f"{authors} ({year}). {title}. {where}."
    return [lines[key] for key in sorted(lines)]
