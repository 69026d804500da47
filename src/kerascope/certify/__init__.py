"""The same explanation on several backends, in processes of their own: how far are they apart?"""

from kerascope.certify.front import certify
from kerascope.certify.result import Agreement, Certificate

__all__ = ["Agreement", "Certificate", "certify"]
