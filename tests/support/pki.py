"""Certificates made by openssl in a folder: NAME.pem and NAME.key."""

import subprocess

_EC = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes")


def authority(folder, name):
    _openssl(
        "req",
        "-x509",
        *_EC,
        "-days",
        "2",
        "-subj",
        f"/CN={name}",
        "-keyout",
        f"{name}.key",
        "-out",
        f"{name}.pem",
        cwd=folder,
    )


def certificate(folder, name, signer, names="DNS:localhost,IP:127.0.0.1", days=2):
    _openssl(
        "req",
        *_EC,
        "-subj",
        f"/CN={name}",
        "-addext",
        f"subjectAltName={names}",
        "-keyout",
        f"{name}.key",
        "-out",
        f"{name}.csr",
        cwd=folder,
    )
    _openssl(
        "x509",
        "-req",
        "-in",
        f"{name}.csr",
        "-CA",
        f"{signer}.pem",
        "-CAkey",
        f"{signer}.key",
        "-CAcreateserial",
        "-copy_extensions",
        "copy",
        "-days",
        str(days),
        "-out",
        f"{name}.pem",
        cwd=folder,
    )


def _openssl(*arguments, cwd):
    subprocess.run(["openssl", *arguments], cwd=cwd, check=True, capture_output=True)
