//! The arena all buffers live in, and the parts' scratch.

use crate::NativeError;

/// One cache line; the arena is aligned to it.
#[derive(Clone, Copy)]
#[repr(C, align(64))]
struct Line([f32; 16]);

const LINE: usize = 16;

/// Where a buffer lies in the arena, in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub offset: usize,
    pub len: usize,
}

/// The memory of an executor. Slots may share space only as the plan's
/// lifetimes allow.
pub(crate) struct Arena {
    lines: Vec<Line>,
    scratch: Vec<Line>,
    per_part: usize,
    pub slots: Vec<Slot>,
}

impl Arena {
    /// `len` zeroed elements for `slots`, and `per_part` of scratch for each
    /// part.
    pub(crate) fn new(
        len: usize,
        slots: Vec<Slot>,
        per_part: usize,
        parts: usize,
    ) -> Result<Self, NativeError> {
        let inside = slots.iter().all(|s| s.offset.checked_add(s.len).is_some_and(|e| e <= len));
        if !inside {
            return Err(NativeError::Memory { bytes: usize::MAX });
        }
        let per_part = per_part.next_multiple_of(LINE);
        let scratch =
            per_part.checked_mul(parts).ok_or(NativeError::Memory { bytes: usize::MAX })?;
        Ok(Arena { lines: zeroed(len)?, scratch: zeroed(scratch)?, per_part, slots })
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        (self.lines.len() + self.scratch.len()) * size_of::<Line>()
    }

    pub(crate) fn slice(&self, slot: usize) -> &[f32] {
        let Slot { offset, len } = self.slots[slot];
        // SAFETY: `new` checked that the slot lies inside `lines`, which is
        // plain initialised f32 data.
        unsafe { std::slice::from_raw_parts(self.lines.as_ptr().cast::<f32>().add(offset), len) }
    }

    pub(crate) fn slice_mut(&mut self, slot: usize) -> &mut [f32] {
        let Slot { offset, len } = self.slots[slot];
        // SAFETY: as `slice`, and `self` is borrowed exclusively.
        unsafe {
            std::slice::from_raw_parts_mut(self.lines.as_mut_ptr().cast::<f32>().add(offset), len)
        }
    }

    /// The view kernels run on.
    pub(super) fn memory(&mut self) -> Memory<'_> {
        Memory {
            base: self.lines.as_mut_ptr().cast(),
            scratch: self.scratch.as_mut_ptr().cast(),
            per_part: self.per_part,
            slots: &self.slots,
        }
    }
}

fn zeroed(len: usize) -> Result<Vec<Line>, NativeError> {
    let count = len.div_ceil(LINE);
    let mut lines = Vec::new();
    lines
        .try_reserve_exact(count)
        .map_err(|_| NativeError::Memory { bytes: count.saturating_mul(size_of::<Line>()) })?;
    lines.resize(count, Line([0.0; LINE]));
    Ok(lines)
}

/// Raw access to an arena that is borrowed exclusively for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Memory<'a> {
    base: *mut f32,
    scratch: *mut f32,
    per_part: usize,
    slots: &'a [Slot],
}

// SAFETY: the pointers stay valid for 'a; that threads do not race on what
// they point to is the contract of every unsafe function taking a `Memory`.
unsafe impl Send for Memory<'_> {}
// SAFETY: as above.
unsafe impl Sync for Memory<'_> {}

impl Memory<'_> {
    /// The first element of a buffer.
    pub(super) fn at(&self, slot: usize) -> *mut f32 {
        // Panics on an unknown slot, which no plan names.
        self.base.wrapping_add(self.slots[slot].offset)
    }

    /// The first element of a part's scratch.
    pub(super) fn scratch(&self, part: usize) -> *mut f32 {
        self.scratch.wrapping_add(part * self.per_part)
    }
}
