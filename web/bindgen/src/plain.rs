//! A module without relaxed SIMD, for browsers that do not have it: for instance a product, then a sum, in the place of both in
//! one.
//!
//! Only what our modules have is replaced; anything else of relaxed SIMD is an error here, as it would be in such a browser.

use std::path::Path;

use anyhow::{Context, Result};
use walrus::ir::{
    BinaryOp, Binop, Instr, InstrLocId, InstrSeq, LocalGet, LocalSet, TernOp, TernaryOp, UnaryOp, Unop,
    V128Bitselect, VisitorMut, dfs_pre_order_mut,
};
use walrus::{LocalId, ModuleConfig, ValType};
use wasmparser::{Validator, WasmFeatures};

/// Replaces instructions of a function.
struct Plain {
    /// Holds the third operand, which lies above the other two.
    addend: LocalId,
}

impl Plain {
    /// What stands for an instruction, whose results are among those that the relaxed one may have.
    fn of(&self, instruction: &Instr) -> Option<Vec<Instr>> {
        Some(match instruction {
            Instr::Unop(Unop { op }) => vec![Instr::Unop(Unop { op: conversion(*op)? })],
            Instr::Binop(Binop { op }) => vec![Instr::Binop(Binop { op: extremum(*op)? })],
            Instr::TernOp(TernOp { op }) if is_selection(*op) => vec![Instr::V128Bitselect(V128Bitselect {})],
            Instr::TernOp(TernOp { op }) => self.product_and_sum(*op)?,
            _ => return None,
        })
    }

    fn product_and_sum(&self, op: TernaryOp) -> Option<Vec<Instr>> {
        let (product, negative, sum) = match op {
            TernaryOp::F32x4RelaxedMadd => (BinaryOp::F32x4Mul, None, BinaryOp::F32x4Add),
            TernaryOp::F32x4RelaxedNmadd => (BinaryOp::F32x4Mul, Some(UnaryOp::F32x4Neg), BinaryOp::F32x4Add),
            TernaryOp::F64x2RelaxedMadd => (BinaryOp::F64x2Mul, None, BinaryOp::F64x2Add),
            TernaryOp::F64x2RelaxedNmadd => (BinaryOp::F64x2Mul, Some(UnaryOp::F64x2Neg), BinaryOp::F64x2Add),
            _ => return None,
        };
        let (local, binary) = (self.addend, |op| Instr::Binop(Binop { op }));
        let mut plain = vec![Instr::LocalSet(LocalSet { local }), binary(product)];
        plain.extend(negative.map(|op| Instr::Unop(Unop { op })));
        plain.extend([Instr::LocalGet(LocalGet { local }), binary(sum)]);
        Some(plain)
    }
}

fn conversion(op: UnaryOp) -> Option<UnaryOp> {
    Some(match op {
        UnaryOp::I32x4RelaxedTruncF32x4S => UnaryOp::I32x4TruncSatF32x4S,
        UnaryOp::I32x4RelaxedTruncF32x4U => UnaryOp::I32x4TruncSatF32x4U,
        _ => return None,
    })
}

fn extremum(op: BinaryOp) -> Option<BinaryOp> {
    Some(match op {
        BinaryOp::F32x4RelaxedMin => BinaryOp::F32x4Min,
        BinaryOp::F32x4RelaxedMax => BinaryOp::F32x4Max,
        BinaryOp::F64x2RelaxedMin => BinaryOp::F64x2Min,
        BinaryOp::F64x2RelaxedMax => BinaryOp::F64x2Max,
        _ => return None,
    })
}

/// Of lanes whose masks are all ones or all zeros.
fn is_selection(op: TernaryOp) -> bool {
    matches!(
        op,
        TernaryOp::I8x16RelaxedLaneselect
            | TernaryOp::I16x8RelaxedLaneselect
            | TernaryOp::I32x4RelaxedLaneselect
            | TernaryOp::I64x2RelaxedLaneselect
    )
}

impl VisitorMut for Plain {
    fn start_instr_seq_mut(&mut self, sequence: &mut InstrSeq) {
        let mut all: Vec<(Instr, InstrLocId)> = Vec::with_capacity(sequence.instrs.len());
        for (instruction, place) in std::mem::take(&mut sequence.instrs) {
            let plain = self.of(&instruction);
            all.extend(plain.unwrap_or_else(|| vec![instruction]).into_iter().map(|one| (one, place)));
        }
        sequence.instrs = all;
    }
}

/// The module without relaxed SIMD.
///
/// # Errors
/// If it cannot be read, or has relaxed SIMD that nothing here stands for.
pub fn without_relaxed_simd(path: &Path) -> Result<Vec<u8>> {
    let mut module = ModuleConfig::new().generate_producers_section(false).parse_file(path)?;
    let functions: Vec<_> = module.funcs.iter_local().map(|(id, _)| id).collect();
    for id in functions {
        let mut plain = Plain { addend: module.locals.add(ValType::V128) };
        let function = module.funcs.get_mut(id).kind.unwrap_local_mut();
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut plain, function, entry);
    }
    let bytes = module.emit_wasm();
    let features = WasmFeatures::default().difference(WasmFeatures::RELAXED_SIMD);
    Validator::new_with_features(features).validate_all(&bytes).context("the plain module")?;
    Ok(bytes)
}
