//! The arena all buffers live in, and the parts' scratch.

use crate::NativeError;
use std::alloc::{Layout, alloc_zeroed, dealloc};
use std::ptr::NonNull;

/// Alignment of the arena in bytes, and of buffers in it in elements.
const ALIGN: usize = 64;
const LINE: usize = ALIGN / size_of::<f32>();

/// Zeroed memory. The system hands it out page by page when first touched, so
/// that planning a large graph stays quick.
struct Block {
    at: NonNull<f32>,
    layout: Layout,
}

// SAFETY: a block owns its memory, as a `Vec<f32>` does.
unsafe impl Send for Block {}
// SAFETY: as above; `&Block` only reads.
unsafe impl Sync for Block {}

impl Block {
    fn zeroed(len: usize) -> Result<Block, NativeError> {
        let too_large = NativeError::Memory { bytes: len.saturating_mul(size_of::<f32>()) };
        // At least one line, since a layout of size 0 cannot be allocated.
        let bytes = len.max(LINE).checked_mul(size_of::<f32>());
        let layout = bytes.and_then(|b| Layout::from_size_align(b, ALIGN).ok());
        let Some(layout) = layout else { return Err(too_large) };
        // SAFETY: the layout's size is not 0.
        let at = unsafe { alloc_zeroed(layout) };
        match NonNull::new(at.cast()) {
            Some(at) => Ok(Block { at, layout }),
            None => Err(too_large),
        }
    }
}

impl Drop for Block {
    fn drop(&mut self) {
        // SAFETY: allocated in `zeroed` with this layout.
        unsafe { dealloc(self.at.as_ptr().cast(), self.layout) };
    }
}

/// Where a buffer lies in the arena, in elements.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Slot {
    pub offset: usize,
    pub len: usize,
}

/// The memory of an executor. Slots may share space only as the plan's
/// lifetimes allow.
pub(crate) struct Arena {
    block: Block,
    scratch: Block,
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
        let (block, scratch) = (Block::zeroed(len)?, Block::zeroed(scratch)?);
        Ok(Arena { block, scratch, per_part, slots })
    }

    /// Bytes held.
    pub(crate) fn bytes(&self) -> usize {
        self.block.layout.size() + self.scratch.layout.size()
    }

    pub(crate) fn slice(&self, slot: usize) -> &[f32] {
        let Slot { offset, len } = self.slots[slot];
        // SAFETY: `new` checked that the slot lies inside the block,
        // which is initialised.
        unsafe { std::slice::from_raw_parts(self.block.at.as_ptr().add(offset), len) }
    }

    pub(crate) fn slice_mut(&mut self, slot: usize) -> &mut [f32] {
        let Slot { offset, len } = self.slots[slot];
        // SAFETY: as `slice`, and `self` is borrowed exclusively.
        unsafe { std::slice::from_raw_parts_mut(self.block.at.as_ptr().add(offset), len) }
    }

    /// The view kernels run on.
    pub(super) fn memory(&mut self) -> Memory<'_> {
        Memory {
            base: self.block.at.as_ptr(),
            instead: None,
            scratch: self.scratch.at.as_ptr(),
            per_part: self.per_part,
            slots: &self.slots,
        }
    }
}

/// Raw access to an arena that is borrowed exclusively for `'a`.
#[derive(Clone, Copy)]
pub(crate) struct Memory<'a> {
    base: *mut f32,
    /// A slot that is elsewhere for now.
    instead: Option<(usize, *mut f32)>,
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
    /// The same memory, but with `slot` at another place.
    pub(super) fn with(self, slot: usize, at: *mut f32) -> Self {
        Memory { instead: Some((slot, at)), ..self }
    }

    /// The first element of a buffer.
    pub(super) fn at(&self, slot: usize) -> *mut f32 {
        if let Some((other, at)) = self.instead
            && other == slot
        {
            return at;
        }
        // Panics on an unknown slot, which no plan names.
        self.base.wrapping_add(self.slots[slot].offset)
    }

    /// The first element of a part's scratch.
    pub(super) fn scratch(&self, part: usize) -> *mut f32 {
        self.scratch.wrapping_add(part * self.per_part)
    }
}
