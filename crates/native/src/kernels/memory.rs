//! The arena all buffers live in, and the parts' scratch.

use crate::NativeError;

/// Elements to a cache line, on which the arena and every buffer in it start.
const LINE: usize = 16;

/// Bytes taken without a look at how many there are.
const UNASKED: usize = 1 << 30;

/// Bytes the system can still give, where it tells (Linux). It would promise
/// more, and end the process when they are touched.
fn free() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/meminfo").ok()?;
    let field = |name: &str| -> Option<usize> {
        let line = text.lines().find_map(|l| l.strip_prefix(name))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    };
    let kilobytes = field("MemAvailable:")?.saturating_add(field("SwapFree:").unwrap_or(0));
    Some(kilobytes.saturating_mul(1024))
}

/// Zeroed memory that starts on a cache line. It is taken as a plain zeroed
/// vector, which the system hands out page by page when first touched, so that
/// planning a large graph stays quick.
struct Block {
    memory: Vec<f32>,
    start: usize,
    len: usize,
}

impl Block {
    fn zeroed(len: usize) -> Result<Block, NativeError> {
        let bytes = len.saturating_add(LINE).saturating_mul(size_of::<f32>());
        if bytes > UNASKED && free().is_some_and(|free| bytes > free) {
            return Err(NativeError::Memory { bytes });
        }
        // Asked first, since `vec!` aborts where memory runs out.
        let mut room = Vec::<f32>::new();
        room.try_reserve_exact(len.saturating_add(LINE))
            .map_err(|_| NativeError::Memory { bytes })?;
        drop(room);
        let memory = vec![0.0f32; len + LINE];
        let past = memory.as_ptr().addr() / size_of::<f32>() % LINE;
        Ok(Block { memory, start: (LINE - past) % LINE, len })
    }

    fn at(&mut self) -> *mut f32 {
        self.memory[self.start..].as_mut_ptr()
    }

    fn bytes(&self) -> usize {
        self.len * size_of::<f32>()
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
        self.block.bytes() + self.scratch.bytes()
    }

    pub(crate) fn slice(&self, slot: usize) -> &[f32] {
        let Slot { offset, len } = self.slots[slot];
        &self.block.memory[self.block.start + offset..][..len]
    }

    pub(crate) fn slice_mut(&mut self, slot: usize) -> &mut [f32] {
        let Slot { offset, len } = self.slots[slot];
        &mut self.block.memory[self.block.start + offset..][..len]
    }

    /// The view kernels run on.
    pub(super) fn memory(&mut self) -> Memory<'_> {
        Memory {
            base: self.block.at(),
            instead: None,
            scratch: self.scratch.at(),
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
