"""What the device is: layers, filaments, domes, and the tagged mesh made from them."""

from ground.lazy import lazy_exports

__getattr__, __dir__, __all__ = lazy_exports(
    __name__,
    {
        "build": ["build_mesh"],
        "mesh": ["Mesh"],
        "msh": ["load_msh", "write_msh"],
        "options": ["MeshOptions"],
        "stack": ["Dome", "Filament", "Layer", "Stack"],
    },
)
