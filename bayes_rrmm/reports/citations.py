"""The literature behind each method, to be cited by name: references.bib in words."""

from __future__ import annotations

REFERENCES = {
    "pymc": "Abril-Pla O, Andreani V, Carroll C, et al. PyMC: a modern, and comprehensive probabilistic programming framework in "
    "Python. PeerJ Comput Sci 2023;9:e1516.",
    "nuts": "Hoffman MD, Gelman A. The No-U-Turn sampler: adaptively setting path lengths in Hamiltonian Monte Carlo. J Mach Learn "
    "Res 2014;15:1593-1623.",
    "arviz": "Kumar R, Carroll C, Hartikainen A, Martin O. ArviZ a unified library for exploratory analysis of Bayesian models in "
    "Python. J Open Source Softw 2019;4(33):1143.",
    "lifelines": "Davidson-Pilon C. lifelines: survival analysis in Python. J Open Source Softw 2019;4(40):1317.",
    "rhat": "Vehtari A, Gelman A, Simpson D, Carpenter B, Bürkner P-C. Rank-normalization, folding, and localization: an "
    "improved R-hat for assessing convergence of MCMC. Bayesian Anal 2021;16(2):667-718.",
    "bfmi": "Betancourt M. Diagnosing suboptimal cotangent disintegrations in Hamiltonian Monte Carlo. arXiv:1604.00695, 2016.",
    "loo": "Vehtari A, Gelman A, Gabry J. Practical Bayesian model evaluation using leave-one-out cross-validation and WAIC. Stat "
    "Comput 2017;27:1413-1432.",
    "psis": "Vehtari A, Simpson D, Gelman A, Yao Y, Gabry J. Pareto smoothed importance sampling. J Mach Learn Res "
    "2024;25(72):1-58.",
    "kaplan-meier": "Kaplan EL, Meier P. Nonparametric estimation from incomplete observations. J Am Stat Assoc 1958;53:457-481.",
    "cox": "Cox DR. Regression models and life-tables. J R Stat Soc B 1972;34:187-220.",
    "efron": "Efron B. The efficiency of Cox's likelihood function for censored data. J Am Stat Assoc 1977;72:557-565.",
    "firth": "Heinze G, Schemper M. A solution to the problem of monotone likelihood in Cox regression. Biometrics "
    "2001;57:114-119.",
    "schoenfeld": "Grambsch PM, Therneau TM. Proportional hazards tests and diagnostics based on weighted residuals. Biometrika "
    "1994;81:515-526.",
    "rmst": "Royston P, Parmar MKB. Restricted mean survival time: an alternative to the hazard ratio for the design and "
    "analysis of randomized trials with a time-to-event outcome. BMC Med Res Methodol 2013;13:152.",
    "piecewise": "Friedman M. Piecewise exponential models for survival data with covariates. Ann Stat 1982;10:101-113.",
    "horseshoe": "Piironen J, Vehtari A. Sparsity information and regularization in the horseshoe and other shrinkage priors. "
    "Electron J Stat 2017;11:5018-5051.",
    "landmark": "Anderson JR, Cain KC, Gelber RD. Analysis of survival by tumor response. J Clin Oncol 1983;1:710-719.",
    "sceptical": "Spiegelhalter DJ, Freedman LS, Parmar MKB. Bayesian approaches to randomized trials. J R Stat Soc A "
    "1994;157:357-416.",
    "power-scaling": "Kallioinen N, Paananen T, Bürkner P-C, Vehtari A. Detecting and diagnosing prior and likelihood sensitivity "
    "with power-scaling. Stat Comput 2024;34:57.",
    "barg": "Kruschke JK. Bayesian analysis reporting guidelines. Nat Hum Behav 2021;5:1282-1291.",
}


class Bibliography:
    """Numbers references in the order in which a text first cites them."""

    def __init__(self) -> None:
        self._cited: list[str] = []

    def cite(self, *names: str) -> str:
        """The numbers of these references, as `[1, 2]`."""
        self._cited += [name for name in names if name not in self._cited]
        return f"[{', '.join(str(self._cited.index(name) + 1) for name in names)}]"

    @property
    def references(self) -> tuple[str, ...]:
        """What was cited, in order."""
        return tuple(REFERENCES[name] for name in self._cited)
