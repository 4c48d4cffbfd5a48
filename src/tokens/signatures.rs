//! The cryptography provider for jsonwebtoken: `rsa` signs RS256 with the App's key, and ring verifies all signatures of
//! issuers (RFC 7518, RFC 8037). Pure.
//!
//! jsonwebtoken uses one provider for the whole process, and panics if there is none.

use getrandom::SysRng;
use jsonwebtoken::crypto::{CryptoProvider, JwtSigner, JwtVerifier, KeyUtils};
use jsonwebtoken::errors::{Error, ErrorKind, new_error};
use jsonwebtoken::signature::{Error as SignatureError, Signer as JwtSign, Verifier};
use jsonwebtoken::{Algorithm, AlgorithmFamily, DecodingKey, DecodingKeyKind, EncodingKey};
use ring::signature::{
    ECDSA_P256_SHA256_FIXED, ECDSA_P384_SHA384_FIXED, ED25519, RSA_PKCS1_2048_8192_SHA256,
    RSA_PSS_2048_8192_SHA256, RsaParameters, RsaPublicKeyComponents, UnparsedPublicKey,
    VerificationAlgorithm,
};
use rsa::PrivateKey as RsaKey;
use rsa::pkcs1::DecodeRsaPrivateKey;
use rsa::pkcs1v15::SigningKey;
use rsa::sha2::Sha256;
use rsa::signature::rand_core::TryCryptoRng;
use rsa::signature::{RandomizedSigner, SignatureEncoding};

/// Installs the provider; a second call does nothing.
pub fn install() {
    static PROVIDER: CryptoProvider = CryptoProvider {
        signer_factory: make_signer,
        verifier_factory: make_verifier,
        key_utils: KeyUtils::new_unimplemented(),
    };
    // Fails only if it is installed already, as nothing else installs one.
    let _ = PROVIDER.install_default();
}

/// RS256 by `rsa` 0.10. Its signer without a random number generator blinds only if a feature of the crate is on, and is
/// silently unblinded otherwise. This one passes a generator, and does not sign if that fails.
struct Rs256<R>(SigningKey<Sha256>, R);

impl<R: TryCryptoRng + Clone> JwtSign<Vec<u8>> for Rs256<R> {
    fn try_sign(&self, message: &[u8]) -> Result<Vec<u8>, SignatureError> {
        let signature = self.0.try_sign_with_rng(&mut self.1.clone(), message);
        signature.map(|signature| signature.to_vec()).map_err(|_| SignatureError::new())
    }
}

impl<R: TryCryptoRng + Clone> JwtSigner for Rs256<R> {
    fn algorithm(&self) -> Algorithm {
        Algorithm::RS256
    }
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is jsonwebtoken's")]
fn make_signer(algorithm: &Algorithm, key: &EncodingKey) -> Result<Box<dyn JwtSigner>, Error> {
    if *algorithm != Algorithm::RS256 {
        return Err(new_error(ErrorKind::UnsupportedAlgorithm));
    }
    let key = RsaKey::from_pkcs1_der(key.as_bytes()).map_err(|_| new_error(ErrorKind::InvalidKeyFormat))?;
    Ok(Box::new(Rs256(SigningKey::new(key), SysRng)))
}

enum WithKey {
    Rsa(&'static RsaParameters, RsaPublicKeyComponents<Vec<u8>>),
    Other(UnparsedPublicKey<Vec<u8>>),
}

struct RingVerifier(Algorithm, WithKey);

#[expect(clippy::trivially_copy_pass_by_ref, reason = "the signature is jsonwebtoken's")]
fn make_verifier(algorithm: &Algorithm, key: &DecodingKey) -> Result<Box<dyn JwtVerifier>, Error> {
    let with_key = match (algorithm, key.family(), key.kind()) {
        (Algorithm::RS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            WithKey::Rsa(&RSA_PKCS1_2048_8192_SHA256, components(n, e))
        }
        (Algorithm::PS256, AlgorithmFamily::Rsa, DecodingKeyKind::RsaModulusExponent { n, e }) => {
            WithKey::Rsa(&RSA_PSS_2048_8192_SHA256, components(n, e))
        }
        (Algorithm::ES256, AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
            other(&ECDSA_P256_SHA256_FIXED, point)
        }
        (Algorithm::ES384, AlgorithmFamily::Ec, DecodingKeyKind::SecretOrDer(point)) => {
            other(&ECDSA_P384_SHA384_FIXED, point)
        }
        (Algorithm::EdDSA, AlgorithmFamily::Ed, DecodingKeyKind::SecretOrDer(point)) => {
            other(&ED25519, point)
        }
        _ => return Err(ErrorKind::UnsupportedAlgorithm.into()),
    };
    Ok(Box::new(RingVerifier(*algorithm, with_key)))
}

/// ring refuses leading zeros, which some issuers send.
fn components(modulus: &[u8], exponent: &[u8]) -> RsaPublicKeyComponents<Vec<u8>> {
    let plain = |bytes: &[u8]| bytes.iter().copied().skip_while(|byte| *byte == 0).collect();
    RsaPublicKeyComponents { n: plain(modulus), e: plain(exponent) }
}

fn other(algorithm: &'static dyn VerificationAlgorithm, point: &[u8]) -> WithKey {
    WithKey::Other(UnparsedPublicKey::new(algorithm, point.to_vec()))
}

impl Verifier<Vec<u8>> for RingVerifier {
    fn verify(&self, message: &[u8], signature: &Vec<u8>) -> Result<(), SignatureError> {
        match &self.1 {
            WithKey::Rsa(parameters, key) => key.verify(parameters, message, signature),
            WithKey::Other(key) => key.verify(message, signature),
        }
        .map_err(|_| SignatureError::new())
    }
}

impl JwtVerifier for RingVerifier {
    fn algorithm(&self) -> Algorithm {
        self.0
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::sync::atomic::AtomicUsize;
    use std::sync::atomic::Ordering::SeqCst;

    use rsa::Generate;
    use rsa::signature::rand_core::TryRng;

    use super::*;

    /// The same numbers each time, as those that are too large are drawn again; after this many draws, an error.
    #[derive(Clone)]
    struct Few(Arc<AtomicUsize>);

    impl TryRng for Few {
        type Error = getrandom::Error;

        fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
            let mut bytes = [0; 4];
            self.try_fill_bytes(&mut bytes).map(|()| u32::from_le_bytes(bytes))
        }

        fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
            let mut bytes = [0; 8];
            self.try_fill_bytes(&mut bytes).map(|()| u64::from_le_bytes(bytes))
        }

        fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Self::Error> {
            let taken = self.0.fetch_update(SeqCst, SeqCst, |left| left.checked_sub(1));
            taken.map_err(|_| getrandom::Error::UNEXPECTED)?;
            bytes.iter_mut().zip((1..=127_u8).cycle()).for_each(|(byte, value)| *byte = value);
            Ok(())
        }
    }

    impl TryCryptoRng for Few {}

    #[test]
    fn a_signature_is_blinded_with_random_numbers_and_not_made_without() {
        const PLENTY: usize = 1_000_000;
        let key = RsaKey::try_generate_from_rng(&mut SysRng).expect("system random numbers");
        let sign = |draws: usize| {
            let left = Arc::new(AtomicUsize::new(draws));
            let signer = Rs256(SigningKey::new(key.clone()), Few(Arc::clone(&left)));
            (JwtSign::try_sign(&signer, b"input").ok(), draws - left.load(SeqCst))
        };
        let (signature, drawn) = sign(PLENTY);
        assert!(drawn > 0, "not blinded");
        // Blinding is invisible: with other random numbers the signature is the same.
        let other = JwtSign::try_sign(&Rs256(SigningKey::new(key.clone()), SysRng), b"input").ok();
        assert_eq!(signature, other);
        for draws in 0..drawn.min(4) {
            assert_eq!(sign(draws), (None, draws), "no unblinded signature in its place");
        }
    }
}
