/** Control characters, and what makes text read differently from how it is stored: invisible, a space that is another one, or turning it around. */
export const UNPRINTABLE: RegExp =
  /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}\u2800]|(?![ \u3000])\p{Zs}/gu;
