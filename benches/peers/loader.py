"""What of Vulkan is on this machine: the loader, the drivers' manifests, the devices. As a program: one line of JSON.

It runs in a process of its own, since it loads drivers, and a driver that crashes takes its process along.
"""
import ctypes
import json
import os
import sys
from pathlib import Path

NAMES = {"linux": "libvulkan.so.1", "win32": "vulkan-1.dll"}
INSTALL = {
    "loader": "On Debian and Ubuntu `libvulkan1` has it, on Fedora `vulkan-loader`, on Windows every GPU's driver.",
    "driver": "On Debian and Ubuntu `mesa-vulkan-drivers` has those of AMD and Intel; NVIDIA's own driver brings its own, in a"
              " container only with the capability `graphics` (`NVIDIA_DRIVER_CAPABILITIES=all`).",
    "device": "Is the GPU given to this machine or container (`/dev/dri`, `/dev/nvidia*`), and may this user open it (group"
              " `render`)?",
}


class InstanceCreateInfo(ctypes.Structure):
    _fields_ = [("type", ctypes.c_uint32), ("next", ctypes.c_void_p), ("flags", ctypes.c_uint32), ("application", ctypes.c_void_p),
                ("layers", ctypes.c_uint32), ("layer_names", ctypes.c_void_p), ("extensions", ctypes.c_uint32),
                ("extension_names", ctypes.c_void_p)]


def manifests():
    """The manifests that the loader would read, by its own rules for Linux."""
    named = os.environ.get("VK_DRIVER_FILES") or os.environ.get("VK_ICD_FILENAMES")
    if named:
        places = [Path(word) for word in named.split(os.pathsep) if word]
    else:
        home = Path.home()
        bases = [os.environ.get("XDG_CONFIG_HOME") or home / ".config", *(os.environ.get("XDG_CONFIG_DIRS") or "/etc/xdg").split(":"),
                 "/etc", os.environ.get("XDG_DATA_HOME") or home / ".local/share",
                 *(os.environ.get("XDG_DATA_DIRS") or "/usr/local/share:/usr/share").split(":")]
        places = [Path(base, "vulkan", "icd.d") for base in dict.fromkeys(map(str, bases))]
        places += [Path(word) for word in (os.environ.get("VK_ADD_DRIVER_FILES") or "").split(os.pathsep) if word]
    found = []
    for place in places:
        found += sorted(place.glob("*.json")) if place.is_dir() else [place] if place.exists() else []
    return [str(place) for place in places], found


def driver(manifest):
    """A manifest, and why its driver cannot be loaded, if so."""
    try:
        library = json.loads(manifest.read_text())["ICD"]["library_path"]
        # A name with no folder is looked up by the system, one with a folder from where the manifest lies.
        ctypes.CDLL(str(manifest.parent / library) if "/" in library else library)
    except (OSError, ValueError, KeyError, TypeError) as error:
        return {"manifest": str(manifest), "error": str(error)[:160]}
    return {"manifest": str(manifest), "error": None}


def devices(vulkan):
    """How many devices the drivers find, or the loader's error."""
    instance, count, info = ctypes.c_void_p(), ctypes.c_uint32(), InstanceCreateInfo(type=1)
    if code := vulkan.vkCreateInstance(ctypes.byref(info), None, ctypes.byref(instance)):
        return 0, f"vkCreateInstance says {code}"
    code = vulkan.vkEnumeratePhysicalDevices(instance, ctypes.byref(count), None)
    vulkan.vkDestroyInstance(instance, None)
    return count.value, f"vkEnumeratePhysicalDevices says {code}" if code else None


def look():
    name = NAMES.get(sys.platform)
    if name is None:
        return {"loader": None, "note": "no Vulkan on this system: gpu-mlp uses Metal"}
    try:
        vulkan = ctypes.CDLL(name)
    except OSError as error:
        return {"loader": None, "error": str(error)[:200]}
    found = {"loader": name, "version": None, "drivers": None}
    version = ctypes.c_uint32()
    if hasattr(vulkan, "vkEnumerateInstanceVersion") and vulkan.vkEnumerateInstanceVersion(ctypes.byref(version)) == 0:
        found["version"] = f"{version.value >> 22}.{version.value >> 12 & 0x3ff}.{version.value & 0xfff}"
    if sys.platform == "linux":  # Windows has the drivers in its registry
        found["searched"], files = manifests()
        found["drivers"] = [driver(file) for file in files]
    found["devices"], found["error"] = devices(vulkan)
    return found


def missing(found):
    """What is missing to compute through Vulkan, in a sentence or two, or None."""
    if "note" in found or found.get("devices"):
        return None
    if found["loader"] is None:
        return f"No Vulkan loader: {found['error']}. {INSTALL['loader']}"
    drivers = found.get("drivers")
    if drivers is None:
        return f"The Vulkan loader is there, but finds no device ({found['error'] or 'its list is empty'}): install the GPU's driver."
    if not drivers:
        return f"The Vulkan loader is there, but no driver: no manifest in {', '.join(found['searched'])}. {INSTALL['driver']}"
    broken = [entry for entry in drivers if entry["error"]]
    if len(broken) == len(drivers):
        told = "; ".join(f"{entry['manifest']}: {entry['error']}" for entry in broken)
        return f"The Vulkan loader and manifests are there, but no driver can be loaded: {told}. {INSTALL['driver']}"
    names = ", ".join(Path(entry["manifest"]).name for entry in drivers if not entry["error"])
    return f"The Vulkan loader is there, and so are drivers ({names}), but they find no device. {INSTALL['device']}"


def words(found):
    """A line of what there is."""
    if "note" in found or found["loader"] is None:
        return found.get("note") or "no loader"
    drivers = found["drivers"]
    if drivers is not None:
        names = ", ".join(Path(entry["manifest"]).name + (" (cannot be loaded)" if entry["error"] else "") for entry in drivers)
        drivers = f"; drivers: {names or 'none'}"
    return f"loader {found['loader']} {found['version']}{drivers or ''}; devices: {found['devices']}"


if __name__ == "__main__":
    print(json.dumps(look()))
