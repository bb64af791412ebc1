// SPDX-License-Identifier: GPL-2.0-only OR BSD-2-Clause

//! BPF global functions: the verifier goes through one once, by itself, and knows of
//! its arguments no more than their types; through any other function it goes at each
//! call anew, with all that it knows there. The slow parts of a packet's path are
//! global, so that what they cost to verify adds up and does not multiply.

/// Makes global functions, `$v4` and `$v6`, of a generic one, `$body`, and `$name`
/// that calls the one or the other.
///
/// The context and numbers stand before the semicolon, what is passed by reference
/// behind it: the kernel takes those for pointers that may be null, and refuses a
/// function that does not ask. Nothing but a number can come back.
macro_rules! global {
    ($(#[$doc:meta])* $vis:vis fn $name:ident($($plain:ident: $scalar:ty),*; $($pointer:ident: $target:ident),*) -> $ret:ty
        = $body:ident, $v4:ident, $v6:ident) => {
        $(#[$doc])*
        #[inline(always)]
        $vis unsafe fn $name<const V6: bool>(
            $($plain: $scalar,)*
            $($pointer: *const $target),*
        ) -> $ret {
            let call = if V6 { $v6 } else { $v4 };
            // SAFETY: as the caller promises.
            unsafe { call($($plain,)* $($pointer.cast_mut()),*) }
        }
        $crate::global::global!(@ $v4($($plain: $scalar),*; $($pointer: $target),*) -> $ret = $body::<false>);
        $crate::global::global!(@ $v6($($plain: $scalar),*; $($pointer: $target),*) -> $ret = $body::<true>);
    };
    (@ $symbol:ident($($plain:ident: $scalar:ty),*; $($pointer:ident: $target:ident),*) -> $ret:ty = $body:expr) => {
        #[unsafe(no_mangle)]
        #[inline(never)]
        unsafe extern "C" fn $symbol($($plain: $scalar,)* $($pointer: *mut $target),*) -> $ret {
            // SAFETY: as the caller promises.
            unsafe {
                $(let Some($pointer) = $pointer.as_mut() else {
                    return <$ret>::default();
                };)*
                $body($($plain,)* $($pointer),*)
            }
        }
    };
}

pub(crate) use global;
