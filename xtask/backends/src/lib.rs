//! The same model on every backend, with equal answers: see the tests.

use burn::tensor::{Device, DeviceKind, DeviceType};

/// The wgpu device of this machine, Mesa's software Vulkan included.
///
/// None where there is no adapter, after one line that says so.
///
/// # Panics
/// With `EIR_REQUIRE_GPU=1`, if there is none.
#[must_use]
pub fn wgpu() -> Option<Device> {
    if !Device::enumerate(DeviceType::Wgpu).is_empty() {
        return Some(Device::wgpu(DeviceKind::DefaultDevice));
    }
    let required = std::env::var_os("EIR_REQUIRE_GPU").is_some_and(|v| v == "1");
    assert!(!required, "EIR_REQUIRE_GPU=1, but wgpu finds no adapter: install mesa-vulkan-drivers");
    eprintln!("skipped: wgpu finds no adapter (mesa-vulkan-drivers brings one in software)");
    None
}
