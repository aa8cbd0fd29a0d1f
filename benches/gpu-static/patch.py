"""Lets Mesa's stand-ins answer what drivers ask that are newer than they: patch.py FOLDER, where Mesa's sources are."""

import sys
from pathlib import Path


def patch(path, *pairs):
    path = Path(sys.argv[1]) / path
    text = path.read_text()
    for old, new in pairs:
        if old not in text:
            sys.exit(f"{path} is of another version: it has no {old!r}")
        text = text.replace(old, new)
    path.write_text(text)


patch("src/amd/drm-shim/amdgpu_noop_drm_shim.c", ("version_minor = 49", "version_minor = 61"))

# The driver asks whether pages of its own may be used, by offering none.
argument = "   struct drm_i915_gem_userptr *userptr = arg;\n"
patch("src/intel/tools/intel_noop_drm_shim.c", (argument, f"{argument}   if (!userptr->user_size) return -22;\n"))

# The classes of newer chips: memory, copies, 2D, 3D, compute. Then 64 GB of memory, and multiprocessors as an H100 has them.
CLASSES = {
    0x160: (0xA140, 0xC5B5, 0x902D, 0xC597, 0xC5C0),
    0x170: (0xA140, 0xC6B5, 0x902D, 0xC697, 0xC6C0),
    0x172: (0xA140, 0xC7B5, 0x902D, 0xC797, 0xC7C0),
    0x180: (0xA140, 0xC8B5, 0x902D, 0xCB97, 0xCBC0),
    0x192: (0xA140, 0xC7B5, 0x902D, 0xC997, 0xC9C0),
}
rows = ", ".join("{%d, {%s}}" % (chip, ", ".join(map(str, classes))) for chip, classes in CLASSES.items())
patch(
    "src/nouveau/drm-shim/nouveau_noop.c",
    (
        "static int\nnouveau_ioctl_nvif(",
        f"static const struct {{ uint32_t chip, classes[5]; }} newer[] = {{{rows}}};\nstatic int\nnouveau_ioctl_nvif(",
    ),
    (
        "      int idx = 0;\n",
        """      for (int chip = 0; chip < ARRAY_SIZE(newer); chip++) {
         if (newer[chip].chip != device_info.chip_id || sclass->sclass.count < 5) continue;
         for (int i = 0; i < sclass->sclass.count; i++) {
            sclass->sclass.oclass[i].oclass = i < 5 ? newer[chip].classes[i] : 0;
            sclass->sclass.oclass[i].minver = sclass->sclass.oclass[i].maxver = -1;
         }
         sclass->sclass.count = 5;
         return 0;
      }
      int idx = 0;
""",
    ),
    ("3ULL << 30", "64ULL << 30"),
    ("gp->value = 0x01000101;", "gp->value = (66 << 8) | 8;"),
)
