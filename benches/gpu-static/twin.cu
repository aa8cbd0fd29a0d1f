// The loop of shaders/matmul_large.wgsl and shaders/matmul_medium.wgsl in CUDA, to see what NVIDIA's own compiler makes of it:
// `forward` (x turned, w straight), `backward` (both turned), `update` (neither). The stores at the end have no edges.
#ifndef TILE_ROWS
#define TILE_ROWS 32 // blocks; 16 is the medium form
#endif
#define TILE_COLS 32
#define SIDE 16
#define DEPTH 4
#define PAIRS (TILE_ROWS / SIDE)

struct Params {
    unsigned rows, ins, outs;
};

struct Source {
    unsigned first, second, step;
    bool first_begun, second_begun;
};

struct Pair {
    float4 first, second;
};

__shared__ float4 tile_a[4 * DEPTH * TILE_ROWS], tile_b[4 * DEPTH * TILE_COLS];

__device__ __forceinline__ unsigned place(unsigned width, unsigned k, unsigned block) {
    return k * width + (block ^ (k / 4 * 2));
}

__device__ __forceinline__ unsigned missing(unsigned inner) {
    return (DEPTH - inner % DEPTH) % DEPTH;
}

__device__ __forceinline__ Source along(unsigned block, unsigned lines, unsigned inner, unsigned stride, unsigned index) {
    const unsigned row = block * 4 + index / DEPTH, col = index % DEPTH - missing(inner);
    const bool begun = index % DEPTH >= missing(inner);
    return {min(row, lines - 1) * stride + col, min(row + 4 * SIDE, lines - 1) * stride + col, DEPTH, begun, begun};
}

__device__ __forceinline__ Source across(unsigned width, unsigned block, unsigned blocks, unsigned inner, unsigned stride,
                                         unsigned index) {
    const unsigned row = index / width, before = 4 * missing(inner), col = min(block + index % width, blocks - 1);
    const unsigned far = row + 256 / width;
    return {(row - before) * stride + col, (far - before) * stride + col, 4 * DEPTH * stride, row >= before, far >= before};
}

__device__ __forceinline__ Pair fetch(const float4 *from, const Source &source, bool first, bool second) {
    Pair pair = {};
    if (first) pair.first = from[source.first];
    if (second) pair.second = from[source.second];
    return pair;
}

__device__ __forceinline__ void advance(Source &source, bool more) {
    source.first += more ? source.step : 0;
    source.second += more ? source.step : 0;
}

template <bool TURNED>
__device__ __forceinline__ void put(float4 *tile, unsigned width, unsigned index, const Pair &pair) {
    if (TURNED) {
        float *part = (float *)(tile + place(width, index % DEPTH * 4, index / (4 * DEPTH))) + index / DEPTH % 4;
        const float first[4] = {pair.first.x, pair.first.y, pair.first.z, pair.first.w};
        const float second[4] = {pair.second.x, pair.second.y, pair.second.z, pair.second.w};
#pragma unroll
        for (int i = 0; i < 4; i++) {
            part[i * 4 * width] = first[i];
            if (width == 32) part[i * 4 * width + 4 * SIDE] = second[i];
        }
    } else {
        const unsigned at = place(width, index / width, index % width);
        tile[at] = pair.first;
        if (width == 32) tile[(at ^ 4) + 256] = pair.second;
    }
}

template <bool A_TURNED, bool B_TURNED>
__device__ __forceinline__ void product(const float4 *left, Source source_a, const float4 *right, Source source_b,
                                        unsigned inner, float4 *out, unsigned stride) {
    const unsigned index = threadIdx.x, warp = index / 32, lane = index % 32;
    const unsigned row = warp / 2 * 4 + lane / 8, col = warp % 2 * 8 + lane % 8;
    float4 sums[4 * PAIRS][2] = {};
    put<A_TURNED>(tile_a, TILE_ROWS, index, fetch(left, source_a, source_a.first_begun, source_a.second_begun));
    put<B_TURNED>(tile_b, TILE_COLS, index, fetch(right, source_b, source_b.first_begun, source_b.second_begun));
    __syncthreads();
#pragma unroll 1
    for (unsigned start = 0; start < inner; start += DEPTH) {
        advance(source_a, start + DEPTH < inner);
        advance(source_b, start + DEPTH < inner);
        const Pair next_a = fetch(left, source_a, true, PAIRS == 2), next_b = fetch(right, source_b, true, true);
#pragma unroll
        for (unsigned k = 0; k < 4 * DEPTH; k++) {
            const float4 b[2] = {tile_b[place(TILE_COLS, k, col)], tile_b[place(TILE_COLS, k, col) + SIDE]};
#pragma unroll
            for (int far = 0; far < PAIRS; far++) {
                const float4 a = tile_a[place(TILE_ROWS, k, row) + far * SIDE];
                const float parts[4] = {a.x, a.y, a.z, a.w};
#pragma unroll
                for (int r = 0; r < 4; r++)
#pragma unroll
                    for (int half = 0; half < 2; half++) {
                        float4 &sum = sums[far * 4 + r][half];
                        sum.x += parts[r] * b[half].x;
                        sum.y += parts[r] * b[half].y;
                        sum.z += parts[r] * b[half].z;
                        sum.w += parts[r] * b[half].w;
                    }
            }
        }
        __syncthreads();
        put<A_TURNED>(tile_a, TILE_ROWS, index, next_a);
        put<B_TURNED>(tile_b, TILE_COLS, index, next_b);
        __syncthreads();
    }
    for (int i = 0; i < 4 * PAIRS; i++)
        for (int half = 0; half < 2; half++) {
            const unsigned block = blockIdx.y * TILE_ROWS + row + i / 4 * SIDE;
            out[(block * 4 + i % 4) * stride + blockIdx.x * TILE_COLS + col + half * SIDE] = sums[i][half];
        }
}

#define KERNEL extern "C" __global__ void __launch_bounds__(256)
#define FIRST const unsigned y = blockIdx.y * TILE_ROWS, x0 = blockIdx.x * TILE_COLS, i = threadIdx.x

KERNEL forward(Params p, const float4 *__restrict__ x, const float4 *__restrict__ w, float4 *out) {
    FIRST;
    product<true, false>(x, along(y, 4 * p.rows, p.ins, p.ins, i), w, across(TILE_COLS, x0, p.outs, p.ins, p.outs, i), p.ins,
                         out, p.outs + 1);
}

KERNEL backward(Params p, const float4 *__restrict__ dz, const float4 *__restrict__ w, float4 *out) {
    FIRST;
    product<true, true>(dz, along(y, 4 * p.rows, p.outs, p.outs + 1, i), w, along(x0, 4 * p.ins, p.outs, p.outs, i), p.outs,
                        out, p.ins);
}

KERNEL update(Params p, const float4 *__restrict__ x, const float4 *__restrict__ dz, float4 *out) {
    FIRST;
    product<false, false>(x, across(TILE_ROWS, y, p.ins, p.rows, p.ins, i), dz,
                          across(TILE_COLS, x0, p.outs, p.rows, p.outs + 1, i), p.rows, out, p.outs);
}
