"""The same work in VTK, SimpleITK, nibabel and scikit-image, one thread each; see anatomy3d.rs."""

import functools
import os

import numpy as np
from serve import serve

SHARED = os.environ.get("EIR_SHARED") or os.path.join(os.path.dirname(__file__), "..", "..", "..", "shared")
DATA = os.path.join(SHARED, "data", "anatomy3d")


@functools.cache
def sphere():
    z, y, x = np.meshgrid(*[np.arange(256, dtype=np.float32) - np.float32(127.5)] * 3, indexing="ij")
    return np.float32(100.3) - np.sqrt(x * x + y * y + z * z)


@functools.cache
def gyroid():
    w = np.arange(256, dtype=np.float32) * np.float32(2 * np.pi / 32)
    s, c = np.sin(w), np.cos(w)
    x, y, z = (lambda a: a[None, None, :]), (lambda a: a[None, :, None]), (lambda a: a[:, None, None])
    return np.ascontiguousarray(x(s) * y(c) + y(s) * z(c) + z(s) * x(c), dtype=np.float32)


def image(array, spacing=(1, 1, 1)):
    import vtk
    from vtk.util import numpy_support as ns

    vtk.vtkSMPTools.SetBackend("Sequential")
    out = vtk.vtkImageData()
    out.SetDimensions(*array.shape[::-1])
    out.SetSpacing(*spacing)
    out.GetPointData().SetScalars(ns.numpy_to_vtk(np.ascontiguousarray(array).ravel(), deep=1))
    return out


def flying_edges(array, level, spacing=(1, 1, 1)):
    import vtk

    f = vtk.vtkFlyingEdges3D()
    f.SetInputData(image(array, spacing))
    f.SetValue(0, level)
    f.ComputeNormalsOff()
    f.ComputeScalarsOff()
    f.ComputeGradientsOff()

    def work():
        f.Modified()
        f.Update()
        return f.GetOutput()

    return work


def sphere_vtk():
    return flying_edges(sphere(), 0.0)


def gyroid_vtk():
    return flying_edges(gyroid(), 0.01)


def sphere_skimage():
    from skimage.measure import marching_cubes

    a = sphere()
    return lambda: marching_cubes(a, 0.0)


def mass_vtk():
    import vtk

    f = vtk.vtkMassProperties()
    f.SetInputData(flying_edges(sphere(), 0.0)())

    def work():
        f.Modified()
        f.Update()
        return f.GetVolume(), f.GetSurfaceArea()

    return work


def decimate_vtk():
    import vtk

    f = vtk.vtkQuadricDecimation()
    f.SetInputData(flying_edges(sphere(), 0.0)())
    f.SetTargetReduction(0.9)

    def work():
        f.Modified()
        f.Update()

    return work


def path(*parts):
    return os.path.join(DATA, *parts)


def one_thread():
    import SimpleITK as sitk

    sitk.ProcessObject.SetGlobalDefaultNumberOfThreads(1)
    return sitk


def ct_vtk():
    sitk = one_thread()
    scan = sitk.ReadImage(path("ct_aorta", "ct_cropped.nii.gz"))
    return flying_edges(sitk.GetArrayFromImage(scan).astype(np.float32), 250.5, scan.GetSpacing())


def nifti_nibabel():
    import nibabel

    file = path("ct_aorta", "ct_cropped.nii.gz")
    return lambda: nibabel.load(file).get_fdata(dtype=np.float32, caching="unchanged")


def nifti_itk():
    sitk = one_thread()
    file = path("ct_aorta", "ct_cropped.nii.gz")
    return lambda: sitk.ReadImage(file, sitk.sitkFloat32)


def series(folder):
    sitk = one_thread()
    sitk.ProcessObject.SetGlobalWarningDisplay(False)

    def work():
        reader = sitk.ImageSeriesReader()
        reader.SetFileNames(reader.GetGDCMSeriesFileNames(path(folder)))
        reader.SetOutputPixelType(sitk.sitkFloat32)
        return reader.Execute()

    return work


def dicom_itk():
    return series("ct_gantry_tilt_ge")


def j2k_itk():
    return series("ct_dicom_j2k")


@functools.cache
def knee():
    return one_thread().ReadImage(path("knee", "dess_right_label.nrrd"))


def labels_itk():
    sitk = one_thread()
    image = knee()

    def work():
        f = sitk.LabelShapeStatisticsImageFilter()
        f.ComputePerimeterOff()
        f.ComputeFeretDiameterOff()
        f.Execute(image)
        return [f.GetPhysicalSize(label) for label in f.GetLabels()]

    return work


def components_itk():
    sitk = one_thread()
    mask = knee() == 5
    return lambda: sitk.ConnectedComponent(mask, True)


def labels_vtk():
    import vtk

    sitk = one_thread()
    f = vtk.vtkDiscreteFlyingEdges3D()
    f.SetInputData(image(np.pad(sitk.GetArrayFromImage(knee()), 1), knee().GetSpacing()))
    for label in range(1, 11):
        f.SetValue(label - 1, label)
    f.ComputeNormalsOff()
    f.ComputeScalarsOff()
    f.ComputeGradientsOff()

    def work():
        f.Modified()
        f.Update()

    return work


serve(globals())
