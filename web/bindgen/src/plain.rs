//! A module without relaxed SIMD, for browsers that do not have it: a product, then a sum, in the place of both in one.
//!
//! Only what our modules have is replaced. `wasm-opt`, which comes next and is not told of relaxed SIMD, refuses the rest.

use std::path::Path;

use anyhow::Result;
use walrus::ir::{
    BinaryOp, Binop, Instr, InstrLocId, InstrSeq, LocalGet, LocalSet, TernOp, TernaryOp, UnaryOp, Unop,
    VisitorMut, dfs_pre_order_mut,
};
use walrus::{LocalId, ModuleConfig, ValType};

/// Replaces instructions of a function.
struct Plain {
    /// Holds the third operand, which lies above the other two.
    addend: LocalId,
    replaced: usize,
}

impl Plain {
    /// What stands for an instruction.
    fn of(&self, op: TernaryOp) -> Option<Vec<Instr>> {
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

impl VisitorMut for Plain {
    fn start_instr_seq_mut(&mut self, sequence: &mut InstrSeq) {
        let mut all: Vec<(Instr, InstrLocId)> = Vec::with_capacity(sequence.instrs.len());
        for (instruction, place) in std::mem::take(&mut sequence.instrs) {
            let plain = match &instruction {
                Instr::TernOp(TernOp { op }) => self.of(*op),
                _ => None,
            };
            self.replaced += usize::from(plain.is_some());
            all.extend(plain.unwrap_or_else(|| vec![instruction]).into_iter().map(|one| (one, place)));
        }
        sequence.instrs = all;
    }
}

/// The module without relaxed SIMD; nothing if it has none.
///
/// # Errors
/// If it cannot be read.
pub fn without_relaxed_simd(path: &Path) -> Result<Option<Vec<u8>>> {
    let mut module = ModuleConfig::new().generate_producers_section(false).parse_file(path)?;
    let functions: Vec<_> = module.funcs.iter_local().map(|(id, _)| id).collect();
    let mut replaced = 0;
    for id in functions {
        let mut plain = Plain { addend: module.locals.add(ValType::V128), replaced: 0 };
        let function = module.funcs.get_mut(id).kind.unwrap_local_mut();
        let entry = function.entry_block();
        dfs_pre_order_mut(&mut plain, function, entry);
        replaced += plain.replaced;
    }
    Ok((replaced > 0).then(|| module.emit_wasm()))
}
