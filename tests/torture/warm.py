"""Imports what training and prediction import only when they come to it, so that a child need not; nothing is computed."""

import imagecodecs
import PIL.Image
import safetensors.torch
import scipy.ndimage
import scipy.optimize
import skimage.measure
import skimage.segmentation
import tifffile
import torch._dynamo

import unseam.annotate.server
import unseam.api.predict_files
import unseam.cli.app
import unseam.engines.torch_engine
import unseam.model

__all__ = ["imagecodecs", "PIL", "safetensors", "scipy", "skimage", "tifffile", "torch", "unseam"]
