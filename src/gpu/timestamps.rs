//! How long launches take by the device's own clock.

use super::device::Gpu;
use super::launch::Launch;
use crate::error::Result;

/// Launches whose two timestamps one query set holds: WebGPU allows 4,096 queries in one.
const LAUNCHES_PER_SET: usize = 2048;

impl Gpu {
    /// Whether the device can say when a launch began and when it ended.
    pub fn has_timestamps(&self) -> bool {
        self.device.features().contains(wgpu::Features::TIMESTAMP_QUERY)
    }

    /// Runs the launches in order, each in a pass of its own, and returns the seconds of each by the device's clock,
    /// the filling of textures left out; nothing if the device has no timestamps.
    ///
    /// # Errors
    /// As [`submit`](Self::submit) and [`read`](Self::read).
    pub async fn time_launches(&self, launches: &[&Launch]) -> Result<Option<Vec<f64>>> {
        if !self.has_timestamps() {
            return Ok(None);
        }
        let mut seconds = Vec::with_capacity(launches.len());
        for part in launches.chunks(LAUNCHES_PER_SET) {
            seconds.extend(self.time_part(part).await?);
        }
        Ok(Some(seconds))
    }

    async fn time_part(&self, launches: &[&Launch]) -> Result<Vec<f64>> {
        let count = 2 * launches.len() as u32;
        let descriptor =
            wgpu::QuerySetDescriptor { label: Some("launches"), ty: wgpu::QueryType::Timestamp, count };
        let queries = self.device.create_query_set(&descriptor);
        let usage = wgpu::BufferUsages::QUERY_RESOLVE | wgpu::BufferUsages::COPY_SRC;
        let ticks = self.raw_buffer("timestamps", u64::from(count) * wgpu::QUERY_SIZE as u64, usage);
        let mut encoder = self.device.create_command_encoder(&Default::default());
        for (index, launch) in (0..).step_by(2).zip(launches) {
            launch.record_fills(&mut encoder);
            let mut pass = encoder.begin_compute_pass(&wgpu::ComputePassDescriptor {
                label: Some(launch.name()),
                timestamp_writes: Some(wgpu::ComputePassTimestampWrites {
                    query_set: &queries,
                    beginning_of_pass_write_index: Some(index),
                    end_of_pass_write_index: Some(index + 1),
                }),
            });
            launch.record(&mut pass);
        }
        encoder.resolve_query_set(&queries, 0..count, &ticks.raw, 0);
        self.wait(&self.hand_over(encoder)).await?;
        let ticks: Vec<u64> = self.read(&ticks, count as usize).await?;
        let tick = f64::from(self.queue.get_timestamp_period()) * 1e-9;
        Ok(ticks.chunks(2).map(|pair| pair[1].saturating_sub(pair[0]) as f64 * tick).collect())
    }
}
