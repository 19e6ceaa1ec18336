#!/usr/bin/env python3
"""Prints the table of src/cell_cases.rs: the triangles that VTK 9.7.2's flying edges puts into each of the 256 cells.

Corner c = x + 2y + 4z is inside if bit c of the case is set. Edges: 0..3 along x at (y, z) = e & 1, e >> 1; 4..7 along y
at (x, z); 8..11 along z at (x, y). A word holds the number of triangles in its low 4 bits, then one edge in each 4 bits.
"""
import numpy as np
import vtk
from vtk.util import numpy_support as ns


def edge(p):
    x, y, z = p
    if x == 0.5:
        return int(y) + 2 * int(z)
    if y == 0.5:
        return 4 + int(x) + 2 * int(z)
    return 8 + int(x) + 2 * int(y)


words = []
for case in range(256):
    image = vtk.vtkImageData()
    image.SetDimensions(2, 2, 2)
    values = np.array([(case >> c) & 1 for c in range(8)], np.float32)
    image.GetPointData().SetScalars(ns.numpy_to_vtk(values, deep=1))
    f = vtk.vtkFlyingEdges3D()
    f.SetInputData(image)
    f.SetValue(0, 0.5)
    f.ComputeNormalsOff()
    f.Update()
    out = f.GetOutput()
    word = out.GetNumberOfCells()
    if word:
        v = ns.vtk_to_numpy(out.GetPoints().GetData())
        t = ns.vtk_to_numpy(out.GetPolys().GetConnectivityArray())
        for k, i in enumerate(t):
            word |= edge(v[i]) << (4 + 4 * k)
    words.append(word)
for i in range(0, 256, 4):
    print("    " + " ".join(f"0x{w:016x}," for w in words[i : i + 4]))
