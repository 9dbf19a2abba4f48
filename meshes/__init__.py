"""What the device is: layers, filament, dome, and the tagged tetrahedra made from them."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "build": ["build_mesh"],
        "mesh": ["Mesh"],
        "options": ["MeshOptions"],
        "stack": ["Dome", "Filament", "Layer", "Stack"],
    },
)
