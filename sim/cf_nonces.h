/* Every AEAD key and nonce of a simulated world, whoever used them. */
#ifndef CF_SIM_NONCES_H
#define CF_SIM_NONCES_H

#define CF_NONCES_WHO_MAX 8

/* cf_nonces_begin forgets the world before. */
void cf_nonces_begin(void);
/* cf_nonces_of says who seals from here on: 0 for those whose ciphertext leaves at once, else a holder, whose ciphertexts count
   with cf_nonces_left, or never. */
void cf_nonces_of(unsigned holder);
void cf_nonces_left(unsigned holder);
void cf_nonces_forget(unsigned holder);
/* cf_nonces_reused says which pair sealed two plaintexts; NULL: none did. */
char const *cf_nonces_reused(void);

#endif
