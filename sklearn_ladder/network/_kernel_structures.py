"""Structures of the arguments of compiled functions, as in ``_kernels.c``."""

import ctypes
from ctypes import c_float, c_int64, c_uint64, c_void_p


def structure(name, *fields):
    """A ctypes structure with the fields of the one in ``_kernels.c``."""
    fields = [(field, kind) for kind, names in fields for field in names.split()]
    return type(name, (ctypes.Structure,), {"_fields_": fields})


Gaussian = structure(
    "Gaussian", (c_int64, "n_rows width columns"), (c_void_p, "z u a out dout dz du da")
)
Normalize = structure(
    "Normalize",
    (c_int64, "n_labeled n_unlabeled n_clean width columns"),
    (c_float, "epsilon slope"),
    (c_void_p, "z_pre noise beta gamma z h means inverse_stds std"),
    (c_void_p, "dh dz_corrupted dz_clean dmean dstd dz_pre dbeta dgamma zeros ones"),
    (c_int64, "add"),
)
Activate = structure(
    "Activate",
    (c_int64, "n_rows width"),
    (c_float, "slope"),
    (c_void_p, "z noise beta gamma z_noisy h dh dz dbeta dgamma"),
    (c_int64, "add"),
)
Perturb = structure(
    "Perturb",
    (c_int64, "n_rows n_columns norm"),
    (c_float, "length"),
    (c_void_p, "gradient start direction out"),
)
Cost = structure(
    "Cost",
    (c_int64, "n_rows width denoised_row clean_row ddenoised_row dclean_row"),
    (c_float, "least_std scale"),
    (c_void_p, "z_denoised z_clean mean std sums cost dz_denoised dz_clean dmean dstd"),
    (c_int64, "n_observed"),
)
Adam = structure(
    "Adam",
    (c_int64, "n"),
    (c_void_p, "sizes parameters means squares gradients"),
    (c_float, "step_size inverse_root beta1 beta2 epsilon"),
)
Noise = structure(
    "Noise", (c_int64, "n"), (c_uint64, "seed"), (c_float, "std"), (c_void_p, "out")
)
Input = structure(
    "Input", (c_int64, "n_rows n_columns n_members"), (c_void_p, "x noise out")
)
Impute = structure(
    "Impute",
    (c_int64, "n_rows n_columns n_members n_denoising"),
    (c_void_p, "x reconstruction lowest highest out"),
)
Softmax = structure(
    "Softmax",
    (c_int64, "n_rows n_members n_classes"),
    (c_void_p, "logits dproba proba dlogits y weight"),
    (c_float, "smoothing scale"),
    (c_void_p, "cost others"),
)
Product = structure(
    "Product",
    (c_int64, "n_members m n k"),
    (c_void_p, "a b"),
    (c_int64, "a_member a_row a_column b_member b_row b_column"),
    (c_void_p, "c"),
    (c_int64, "c_member c_row add"),
)


# by the function's name without ``ladder_``
STRUCTURES = {
    "gaussian_forward": Gaussian,
    "gaussian_backward": Gaussian,
    "normalize_forward": Normalize,
    "normalize_backward": Normalize,
    "activate_forward": Activate,
    "activate_backward": Activate,
    "perturb": Perturb,
    "cost_forward": Cost,
    "cost_backward": Cost,
    "adam": Adam,
    "noise": Noise,
    "product": Product,
    "input": Input,
    "impute": Impute,
    "softmax_forward": Softmax,
    "softmax_backward": Softmax,
    "cross_entropy": Softmax,
    "divergence": Softmax,
}
